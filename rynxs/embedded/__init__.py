"""The embedded shell: observe manifest files, log, reduce, render; no cluster needed."""
