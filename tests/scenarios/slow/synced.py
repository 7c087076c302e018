"""As tests/scenarios/synced.py, with 10 000 events."""
import os, runpy

os.environ["SYNCED_COUNT"] = "10000"
runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "synced.py"), run_name="__main__")
