"""A test that is killed leaves nothing behind: neither the servers it started nor its folders."""
from harness import *

TEST = """
from harness import *
sample, server = Sample(), Server()
print(json.dumps([sample.pid, server.pid, sample.home, server.home]), flush=True)
signal.pause()
"""
test = subprocess.Popen([sys.executable, "-c", TEST], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.abspath(__file__))})
sample, server, *folders = json.loads(test.stdout.readline())
alive = lambda pid: os.path.exists(f"/proc/{pid}") and open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z"
check("its servers are there", (alive(sample), alive(server)), (True, True))
test.kill()
test.wait()
check("they end with it", until(lambda: not alive(sample) and not alive(server), 60))
check("and its folders go", until(lambda: not any(os.path.exists(f) for f in folders), 60))
finish()
