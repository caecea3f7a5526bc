"""``python -m rynxs_agent`` is ``rynxs-agent``."""

from rynxs_agent.main import main

main()
