from __future__ import annotations
import os, time, json
from collections import Counter
from segmentator_dagster.domain.people import Role
from tests.fuzz.fuzzing import fuzzed, with_rules
from tests.fuzz.world import RULES, Caller, activity, running_world
from segmentator_dagster.storage.members import create_databases
import pytest

@pytest.mark.parametrize("who", os.environ.get("WHO","administrator,user,anonymous").split(","))
def test_try(tmp_path, clickhouse_server, admin, who):
    create_databases(admin, "segmentator", "datasets")
    with running_world(tmp_path, clickhouse_server, activity(admin)) as world:
        caller = None if who == "anonymous" else Caller(world.database, "admin" if who=="administrator" else "user", Role(who)).session
        t=time.time()
        f = fuzzed(world.url, with_rules(world.document, RULES), session=caller, seed=int(os.environ.get("SEED","1")), examples=int(os.environ.get("N","5")), coverage=os.environ.get("COV","0")=="1")
        print(who, "calls", sum(f.calls.values()), "seconds", round(time.time()-t,1), "problems", len(f.problems))
        by=Counter()
        for (l,s),n in f.calls.items(): by[s]+=n
        print(sorted(by.items()))
        ok=[l for l in {l for l,_ in f.calls} if not any(s<400 and s for (m,s) in f.calls if m==l)]
        print("never <400:", sorted(ok))
        out=f"/tmp/fuzz-{who}.txt"
        open(out,"w").write(str(f))
        print(Counter(k[0] for k in f.problems))
