"""The kit of a family, made for one plugin as its author would, by a subclass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rynxs.testing.check.places import log_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from rynxs.testing.check.promise import Order


def kit_of(order: Order) -> type:
    """Return the test class that judges what an order names."""
    return _KITS[order.family](order)


def _sink(order: Order) -> type:
    from rynxs.testing.sink import SinkConformance

    class Kit(SinkConformance):
        plugin_module = order.module
        kills = order.kills

        def settings(self, place: Path) -> Mapping[str, Any]:
            return log_settings(order, place)

    return Kit


def _reducer(order: Order) -> type:
    from rynxs.testing.reducer import ReducerConformance

    return _of_settings(
        ReducerConformance,
        order,
        objects=order.objects,
        neighbours=order.neighbours,
        reducer_modules=[module for module, _ in order.reducers],
        reducer_settings=dict(order.reducers),
    )


def _renderer(order: Order) -> type:
    from rynxs.testing.renderer import RendererConformance

    return _of_settings(
        RendererConformance,
        order,
        objects=order.objects,
        reducer_modules=[module for module, _ in order.reducers],
        reducer_settings=dict(order.reducers),
        renderer_modules=[module for module, _ in order.renderers],
        renderer_settings=dict(order.renderers),
    )


def _signer(order: Order) -> type:
    from rynxs.testing.signer import SignerConformance

    return _of_settings(SignerConformance, order)


def _of_settings(kit: type, order: Order, **attributes: Any) -> type:
    said = {"plugin_module": order.module, "settings": order.settings, **attributes}
    return type("Kit", (kit,), said)


_KITS: dict[str, Callable[[Order], type]] = {
    "sink": _sink,
    "reducer": _reducer,
    "renderer": _renderer,
    "signer": _signer,
}
