"""``rynxs plugins check``: the kit of a family, run on an installed plugin.

`orders` says what is to be judged, `running` starts a process for it, so that a plugin that crashes
takes nothing else down, and `child`, `reporter` and `kits` are what runs there. Only those need
pytest.
"""
