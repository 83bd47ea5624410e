from __future__ import annotations
import os, time
from segmentator_dagster.domain.people import Role
from tests.fuzz.fuzzing import fuzzed, with_rules
from tests.fuzz.world import Caller, RULES, activity, running_world
from tests.storage.conftest import new_postgres_database
def test_try(tmp_path, clickhouse_server, admin, postgres_server):
    with running_world(tmp_path, clickhouse_server, activity(admin), database_url=new_postgres_database(postgres_server.url)) as world:
        t=time.time()
        f = fuzzed(world.url, with_rules(world.document, RULES), session=Caller(world.database, "admin", Role.ADMINISTRATOR).session, known=world.known, seed=5, examples=int(os.environ["N"]), coverage=False)
        print("PG calls", sum(f.calls.values()), "seconds", round(time.time()-t,1), "problems", len(f.problems), f.statuses())
        open("/tmp/pg.txt","w").write(str(f))
        ok=[l for l in {l for l,_ in f.calls} if not any(s<400 and s for (m,s) in f.calls if m==l)]
        print("never <400:", sorted(ok))
