"""What a configuration file may hold, before the picked plugins have checked their parts."""

from __future__ import annotations

from typing import Any

from pydantic import (
    AliasGenerator,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from rynxs.eventlog.checkpoint import ORIGIN
from rynxs.fields import DnsLabel, Duration, seconds_of


class ConfigModel(BaseModel):
    """Base of the configuration's models: camelCase names, unknown keys refused."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(alias=to_camel),
        populate_by_name=False,
        extra="forbid",
        strict=True,
        frozen=True,
    )


class Picks(ConfigModel):
    """The plugins, by name."""

    sink: str = Field("file", description="Where the log is kept.")
    reducers: list[str] = Field(
        ["agent", "session", "universe"], description="Who folds events into state."
    )
    renderers: list[str] = Field(["workload"], description="Who turns state into manifests.")
    signer: str | None = Field("ed25519", description="The signature scheme of checkpoints.")
    cosigners: list[str] = Field(
        [], description="Schemes of further keys of this log, which sign each checkpoint too."
    )

    @field_validator("reducers", "renderers", "cosigners")
    @classmethod
    def _distinct(cls, names: list[str]) -> list[str]:
        if len(set(names)) != len(names):
            raise ValueError("a name stands twice")
        return names


class RawSettings(ConfigModel):
    """The settings before the picked plugins have checked them."""

    sink: dict[str, Any] = {}
    reducers: dict[str, dict[str, Any]] = {}
    renderers: dict[str, dict[str, Any]] = {}
    signer: dict[str, Any] = {}
    cosigners: dict[str, dict[str, Any]] = {}


class Retention(ConfigModel):
    """What must be kept, whoever asks."""

    floor_days: int = Field(
        0, ge=0, description="Payloads of records younger than so many days are not redacted."
    )


class Snapshots(ConfigModel):
    """When the state is kept, so that replay need not start at the first record."""

    every: int = Field(
        10_000, ge=0, description="Take one after so many more records; 0 takes none."
    )


class LeaderElection(ConfigModel):
    """By which Lease replicas agree on who leads, and how long they wait for what."""

    enabled: bool = Field(
        default=False, description="Whether there are several replicas; one at a time leads."
    )
    namespace: DnsLabel | None = Field(
        None, description="Of the Lease; by default that of the pod."
    )
    name: DnsLabel = Field("rynxs", description="Of the Lease.")
    lease_duration: Duration = Field(
        "15s", description="So long the others wait for a sign of life before one takes over."
    )
    renew_deadline: Duration = Field(
        "10s", description="A leader that could not renew for so long stops; below leaseDuration."
    )
    retry_period: Duration = Field("2s", description="Between two tries; below renewDeadline.")

    @model_validator(mode="after")
    def _in_order(self) -> LeaderElection:
        lease, renew, retry = map(
            seconds_of, (self.lease_duration, self.renew_deadline, self.retry_period)
        )
        if not retry < renew < lease:
            raise ValueError(
                "expected is retryPeriod < renewDeadline < leaseDuration, found is "
                f"{self.retry_period}, {self.renew_deadline}, {self.lease_duration}"
            )
        return self


class Http(ConfigModel):
    """Where /metrics, /healthz and /readyz are served."""

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(8080, ge=0, le=65_535, description="0 takes any that is free.")


class Webhook(ConfigModel):
    """Where the API server says who asks for a change (a validating admission webhook)."""

    host: str = Field("0.0.0.0", description="Address to listen on.")  # noqa: S104
    port: int = Field(9443, ge=1, le=65_535, description="To listen on.")
    certificate: str = Field(min_length=1, description="File of the certificate, PEM.")
    key: str = Field(min_length=1, description="File of its private key, PEM.")


class OperatorSettings(ConfigModel):
    """How `rynxs operator` works."""

    namespaces: list[DnsLabel] = Field(
        [], description="Whose objects count; empty for those of all namespaces."
    )
    leader_election: LeaderElection = Field(
        LeaderElection(), description="Who of several replicas leads."
    )
    concurrency: int = Field(
        16, ge=1, le=256, description="How many subjects are applied at the same time."
    )
    queue: int = Field(
        10_000, ge=1, le=1_000_000, description="How much that happened may wait to be recorded."
    )
    batch: int = Field(
        100, ge=1, le=1_000, description="How many changes of objects share an append, at most."
    )
    checkpoint_every: Duration = Field(
        "60s", description="So soon a signed checkpoint covers a record, if there is a key."
    )
    http: Http = Field(Http(), description="Metrics and probes.")
    webhook: Webhook | None = Field(None, description="None: nobody says who asks for a change.")


class RawConfig(ConfigModel):
    """The whole file before the picked plugins have checked their settings."""

    origin: str = Field(
        "rynxs.local/log",
        pattern=ORIGIN,
        description="Names a new log in its checkpoints; unique, such as a URL without scheme.",
    )
    plugins: Picks = Picks()
    settings: RawSettings = RawSettings()
    retention: Retention = Retention()
    snapshots: Snapshots = Snapshots()
    operator: OperatorSettings = OperatorSettings()
