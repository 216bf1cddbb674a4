// SPDX-License-Identifier: Apache-2.0
/* Jobs between a scheduler and its workers: what the database refuses, who waits for whom, and what
 * a cancel finds on its way (reliability.md RL-8, RL-12, RL-17; fleet.md 7.2, 9). */
#include "tests/service/scheduler_client.h"

static const char *const quick[] = {"--tick_ms=50", "--backoff_ms=10", "--backoff_max_ms=20",
	"--defer_ms=50", "--lease_ms=60000", NULL};
static const char worker[] = "0193aaaa-0000-7000-8000-00000000000";
static const char probes[] = "device.probe";
static char run[UUID_TEXT];

static struct uuid uuid_of(const char *text)
{
	struct uuid id;

	if (uuid_parse(text, &id) < 0)
		abort();
	return id;
}

static struct uuid worker_id(int who)
{
	char id[UUID_TEXT];

	(void)snprintf(id, sizeof(id), "%s%d", worker, who);
	return uuid_of(id);
}

/* ---- runs ---- */

static void devices(const char *prefix, int n, const char *serial, const char *pool)
{
	(void)sql("insert into fleet.device (id, name, vendor, family, serial, address, pool)"
		  " select sched.uuid7(), '%s' || i, 'Canon', 'canon_rui', %s, '10.0.0.' || i, '%s'"
		  " from generate_series(1, %d) i",
		prefix, serial, pool, n);
}

static void start_run(const char *prefix)
{
	static unsigned n;

	json_decref(ask("task_create",
		"{'task': {'name': 't%u', 'kind': '%s', 'targets': {'filter': 'name ~ `%s*`'}}}",
		++n, probes, prefix));
	json_t *j = ask("run_start", "{'ref': 't%u'}", n);
	(void)snprintf(run, sizeof(run), "%s", at(j, "run.id"));
	ok(is(j, "run.state", "running"), "a run is open");
	json_decref(j);
}

static size_t claim(int who, const char *pool)
{
	json_t *j = ask(
		"job_claim", "{'worker': '%s%d', 'slots': 64, 'pool': '%s'}", worker, who, pool);
	size_t n = json_array_size(json_object_get(j, "jobs"));

	json_decref(j);
	return n;
}

static const char *job_of(const char *device)
{
	return sql("select id from sched.job where run = '%s' and device_name = '%s'", run, device);
}

static bool ended_as(const char *device, const char *what)
{
	const char *got = sql("select s.word || ' ' || j.cause from sched.job_now j join"
			      " sched.job_state s on s.id = j.state where j.run = '%s' and"
			      " j.device_name = '%s'",
		run, device);

	if (strcmp(got, what) != 0)
		(void)fprintf(stderr, "# %s: %s\n", device, got);
	return strcmp(got, what) == 0;
}

static bool none_refused(json_t *j)
{
	bool none = json_object_get(j, "fault") == NULL &&
		    json_array_size(json_object_get(j, "refused")) == 0;

	if (!none)
		(void)is(j, "refused", "nothing");
	json_decref(j);
	return none;
}

static void end_all(void)
{
	(void)sql("update sched.run set state = 4 where state < 6;"
		  " update sched.active set lease_until = now()");
	ok(becomes("0", "select count(*) from sched.run where state < 6"), "all of it ends");
}

/* ---- several calls at a time ---- */

static unsigned under_way, deadlocks, faults;

static void on_sent(
	unused void *arg, enum bus_result result, struct span body, unused uint64_t peer)
{
	const struct msg_desc *desc = NULL;
	struct msg_header h;
	struct arena arena;
	struct fault f = FAULT_INIT;
	void *answer = NULL;

	arena_init(&arena, 0);
	under_way--;
	if (result != BUS_OK || msg_decode(body, &arena, &desc, &h, &answer, &f) < 0) {
		faults++;
	} else if (desc == &m_fault_desc) {
		const struct m_fault *m = answer;
		(void)fprintf(stderr, "# fault %s: %s\n", m->reason, m->detail);
		faults++;
		deadlocks += m->reason != NULL && strcmp(m->reason, "40P01") == 0;
	}
	arena_fini(&arena);
}

static void send_off(const struct msg_desc *desc, const void *body)
{
	struct msg_header h = {.sender = "test",
		.deadline_ms = 60000,
		.protocol = MSG_PROTOCOL,
		.trace = uuid_v7(clock_wall_ms()),
		.request = uuid_v7(clock_wall_ms()),
		.actor = ""};
	struct buf out = BUF_INIT;

	msg_encode(&out, desc, &h, body);
	bug_if(out.err);
	under_way++;
	bus_send(client.to, 0, buf_span(&out), 60000, on_sent, NULL);
	buf_fini(&out);
}

static void all_answered(void)
{
	uint64_t until = clock_mono_ms() + 60000;

	while (under_way > 0 && clock_mono_ms() < until)
		pause_ms(10);
	ok(under_way == 0, "all calls are answered");
}

/* Somebody who holds rows, until they let go. */
static PGconn *holder;

static void hold(const char *fmt, ...) printf_like(1, 2);
static void hold(const char *fmt, ...)
{
	char query[1000];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(query, sizeof(query), fmt, ap);
	va_end(ap);
	holder = PQconnectdb(getenv("CARNET_TEST_DB"));
	PQclear(PQexec(holder, "begin"));
	PGresult *r = PQexec(holder, query);
	if (PQresultStatus(r) != PGRES_TUPLES_OK && PQresultStatus(r) != PGRES_COMMAND_OK)
		(void)fprintf(stderr, "# %s\n", PQresultErrorMessage(r));
	PQclear(r);
}

static void let_go_when_waited_for(int n)
{
	(void)becomes("t",
		"select count(*) >= %d from pg_stat_activity where wait_event_type = 'Lock'", n);
	PQclear(PQexec(holder, "commit"));
	PQfinish(holder);
}

/* ---- what the database refuses ---- */

static void no_serial(void)
{
	devices("n", 3, "''", "");
	start_run("n");
	ok(claim(1, "") == 3, "devices whose serial nobody has read yet");
	ok(none_refused(ask("job_result",
		   "{'worker': '%s1', 'results': [{'job': '%s', 'attempt': 1, 'state': 'failed',"
		   " 'code': 2002}, {'job': '%s', 'attempt': 1, 'state': 'failed', 'code': 4005}]}",
		   worker, job_of("n1"), job_of("n2"))) &&
			ended_as("n1", "failed 2002") && ended_as("n2", "failed 4005"),
		"one refuses its password, one is another printer");
	ok(strcmp(sql("select string_agg(state::text, ' ' order by name) from fleet.device where"
		      " name in ('n1', 'n2')"),
		   "3 4") == 0,
		"they are put on hold and suspended like others (FL-13, FL-1)");
	json_t *j = ask("device_set_state", "{'ref': 'n3', 'state': 'retired'}");
	ok(is(j, "device.state", "retired"), "and retired by a person");
	json_decref(j);
	end_all();
}

static void one_printer_twice(void)
{
	devices("w", 2, "''", "");
	start_run("w");
	ok(claim(1, "") == 2, "two records of one printer");
	ok(none_refused(ask("job_result",
		   "{'worker': '%s1', 'results': [{'job': '%s', 'attempt': 1, 'state': 'skipped',"
		   " 'code': 1001, 'seen': {'serial': 'ONE'}}, {'job': '%s', 'attempt': 1,"
		   " 'state': 'skipped', 'code': 1001, 'seen': {'serial': 'ONE'}}]}",
		   worker, job_of("w1"), job_of("w2"))) &&
			ended_as("w1", "skipped 1001") && ended_as("w2", "skipped 1001"),
		"are checked at the same time");
	ok(strcmp(sql("select string_agg(serial, ',' order by serial) from fleet.device where"
		      " name ~ '^w'"),
		   ",ONE") == 0,
		"one of them gets its serial (FL-2)");
	end_all();
}

/* A time that no column holds. */
#define TOO_LONG "5000000000"

static void a_bad_report(void)
{
	devices("b", 6, "'B' || i", "");
	start_run("b");
	ok(claim(1, "") == 6, "six jobs");
	ok(none_refused(ask("job_result",
		   "{'worker': '%s1', 'results': [{'job': '%s', 'attempt': 1, 'state': 'skipped',"
		   " 'code': 1001}, {'job': '%s', 'attempt': 1, 'state': 'skipped', 'code': 1001,"
		   " 'lock_ms': " TOO_LONG "}, {'job': '%s', 'attempt': 1, 'state': 'skipped',"
		   " 'code': 1001}]}",
		   worker, job_of("b1"), job_of("b2"), job_of("b3"))),
		"a report that the database refuses, among others");
	ok(ended_as("b1", "skipped 1001") && ended_as("b3", "skipped 1001"),
		"the others end as they should (RL-8)");
	ok(ended_as("b2", "failed 9002") &&
			strcmp(sql("select reason from sched.job where id = '%s'", job_of("b2")),
				"report_refused") == 0 &&
			strstr(sql("select detail from sched.job where id = '%s'", job_of("b2")),
				"22003") != NULL,
		"its job ends, too, and says why");
	json_t *j = ask("job_advance",
		"{'worker': '%s1', 'steps': [{'job': '%s', 'attempt': " TOO_LONG
		", 'state': 'running'}, {'job': '%s', 'attempt': 1, 'state': 'running'},"
		" {'job': '%s', 'attempt': 1, 'state': 'storing'}]}",
		worker, job_of("b4"), job_of("b5"), job_of("b5"));
	ok(json_array_size(json_object_get(j, "refused")) == 1 &&
			is(j, "refused.0", job_of("b4")) && ended_as("b5", "storing 0"),
		"of steps the bad one is refused, the others are taken");
	json_decref(j);
	(void)sql("update sched.active set token = 7 where job = '%s'", job_of("b5"));
	j = ask("job_journal",
		"{'worker': '%s1', 'entries': [{'job': '%s', 'attempt': 1, 'token': 7, 'step':"
		" 'planned'}, {'job': '%s', 'attempt': " TOO_LONG ", 'token': 7, 'step':"
		" 'planned'}]}",
		worker, job_of("b5"), job_of("b6"));
	ok(json_array_size(json_object_get(j, "refused")) == 1 && is(j, "refused.0", job_of("b6")),
		"of a journal, too");
	json_decref(j);
	end_all();
}

/* Calls that meet in one transaction are not each other's business. */
static void a_bad_call(void)
{
	char jobs[3][UUID_TEXT];

	devices("c", 3, "'C' || i", "");
	start_run("c");
	ok(claim(1, "") == 3, "three jobs");
	for (size_t i = 0; i < 3; i++) {
		char name[8];
		(void)snprintf(name, sizeof(name), "c%zu", i + 1);
		(void)snprintf(jobs[i], sizeof(jobs[i]), "%s", job_of(name));
	}
	faults = 0;
	hold("select from sched.active where job = '%s' for update", jobs[0]);
	for (size_t i = 0; i < 3; i++) {
		struct m_job_outcome o = {.attempt = 1,
			.state = JOB_STATE_SKIPPED,
			.code = 1001,
			.store_ms = i == 1 ? 5000000000u : 1};
		struct m_job_result m = {.worker = worker_id(1), .results = &o, .results_n = 1};
		o.job = uuid_of(jobs[i]);
		send_off(&m_job_result_desc, &m);
	}
	let_go_when_waited_for(1);
	all_answered();
	ok(faults == 0 && ended_as("c1", "skipped 1001") && ended_as("c2", "failed 9002") &&
			ended_as("c3", "skipped 1001"),
		"a bad call does not make those fail that came with it (RL-8)");
	end_all();
}

/* FL-51 */
static void told_twice(void)
{
	devices("d", 2, "'D' || i", "");
	start_run("d");
	ok(claim(1, "") == 2, "two jobs");
	json_t *j = ask("job_result",
		"{'worker': '%s1', 'results': [{'job': '%s', 'attempt': 7, 'state': 'failed',"
		" 'code': 3001}, {'job': '%s', 'attempt': 1, 'state': 'skipped', 'code': 1001},"
		" {'job': '%s', 'attempt': 1, 'state': 'skipped', 'code': 1001}]}",
		worker, job_of("d1"), job_of("d1"), job_of("d1"));
	ok(json_array_size(json_object_get(j, "refused")) == 1 && ended_as("d1", "skipped 1001"),
		"behind a report that is refused a good one of the same job counts (FL-51)");
	json_decref(j);
	end_all();
}

/* ---- who waits for whom ---- */

#define HELD 24

static void opposite_orders(void)
{
	static struct m_job_hold holds[HELD];
	static struct m_job_step steps[HELD];
	struct m_job_renew renew = {.worker = worker_id(1), .jobs = holds, .jobs_n = HELD};
	struct m_job_advance advance = {.worker = worker_id(1), .steps = steps, .steps_n = HELD};
	char middle[UUID_TEXT];

	start_run("o");
	ok(claim(1, "") == HELD, "a worker has many jobs");
	for (int i = 0; i < HELD; i++) {
		steps[i].job = uuid_of(
			sql("select job from sched.active order by job offset %d limit 1", i));
		holds[HELD - 1 - i] = (struct m_job_hold){.job = steps[i].job, .attempt = 1};
		steps[i].attempt = 1;
		steps[i].state = JOB_STATE_RUNNING;
	}
	hold("select from sched.active where job = '%s' for update",
		uuid_format(&steps[HELD / 2].job, middle));
	send_off(&m_job_renew_desc, &renew);
	send_off(&m_job_advance_desc, &advance);
	let_go_when_waited_for(2);
	json_decref(ask("run_cancel", "{'id': '%s'}", run));
	all_answered();
	end_all();
}

static void nobody_waits_in_a_circle(void)
{
	devices("o", HELD, "'O' || i", "");
	deadlocks = 0;
	for (int i = 0; i < 4; i++)
		opposite_orders();
	ok(deadlocks == 0, "renewals, steps and a cancel of the same jobs wait for each other");
}

/* ---- a cancel that is not forgotten ---- */

static void cancel_is_kept(void)
{
	devices("k", 5, "'K' || i", "");
	start_run("k");
	ok(claim(1, "") == 5, "five jobs are held");
	json_decref(ask("job_advance",
		"{'worker': '%s1', 'steps': [{'job': '%s', 'attempt': 1, 'state': 'running'},"
		" {'job': '%s', 'attempt': 1, 'state': 'storing'}]}",
		worker, job_of("k2"), job_of("k2")));
	(void)sql("update sched.job set step = 3 where id = '%s'", job_of("k3"));
	for (int i = 1; i <= 3; i++) {
		char name[8];
		(void)snprintf(name, sizeof(name), "k%d", i);
		json_decref(ask("job_cancel", "{'id': '%s'}", job_of(name)));
	}
	json_decref(ask("job_give_back", "{'worker': '%s1', 'jobs': [{'job': '%s', 'attempt': 1}]}",
		worker, job_of("k1")));
	ok(becomes("15", "select state from sched.job where id = '%s'", job_of("k1")) &&
			ended_as("k1", "cancelled 8101"),
		"a job that is cancelled and then given back does not run (RL-12)");
	ok(none_refused(ask("job_result",
		   "{'worker': '%s1', 'results': [{'job': '%s', 'attempt': 1, 'state': 'retry',"
		   " 'code': 7001, 'retry_ms': 3600000}]}",
		   worker, job_of("k2"))) &&
			becomes("15", "select state from sched.job where id = '%s'", job_of("k2")),
		"nor does one that was storing, and did not succeed (FL-55)");
	json_decref(
		ask("worker_died", "{'worker': '%s1', 'job': '%s', 'attempt': 1, 'phase': 'write'}",
			worker, job_of("k3")));
	(void)becomes("3", "select count(*) from sched.ready");
	json_t *j = ask("job_claim", "{'worker': '%s2', 'slots': 64}", worker);
	bool told = false;
	for (size_t i = 0; i < json_array_size(json_object_get(j, "jobs")); i++) {
		char job[48], cancel[48];
		(void)snprintf(job, sizeof(job), "jobs.%zu.job", i);
		(void)snprintf(cancel, sizeof(cancel), "jobs.%zu.cancel", i);
		if (strcmp(at(j, job), job_of("k3")) == 0)
			told = is(j, cancel, "true");
	}
	ok(told, "one that wrote when its worker died looks at its device, and is told (RL-12)");
	json_decref(j);
	(void)sql("update sched.job set step = 0 where id = '%s'", job_of("k3"));
	end_all();
}

/* The sweep has it in its hands while a person cancels it. */
static void cancel_on_the_way(void)
{
	start_run("k");
	ok(claim(1, "") == 5, "five jobs");
	for (int i = 1; i <= 2; i++) {
		char name[8];
		(void)snprintf(name, sizeof(name), "k%d", i);
		json_decref(ask("job_result",
			"{'worker': '%s1', 'results': [{'job': '%s', 'attempt': 1, 'state':"
			" 'deferred', 'code': 2101, 'retry_ms': 3600000}]}",
			worker, job_of(name)));
	}
	char job[UUID_TEXT];
	(void)snprintf(job, sizeof(job), "%s", job_of("k1"));
	struct m_job_cancel m = {.id = uuid_of(job)};
	hold("with gone as (delete from sched.later where job = '%s' returning job),"
	     " upd as (update sched.job j set state = 2 from gone where j.id = gone.job"
	     "  returning j.*) insert into sched.ready (pool, family, job, device)"
	     " select pool, family, id, device from upd",
		job);
	send_off(&m_job_cancel_desc, &m);
	let_go_when_waited_for(1);
	all_answered();
	ok(ended_as("k1", "cancelled 8101"), "a job that becomes ready at that moment is found");
	(void)sql("update sched.job set cancel = true where id = '%s';"
		  " update sched.later set due_at = now() where job = '%s'",
		job_of("k2"), job_of("k2"));
	ok(becomes("15", "select state from sched.job where id = '%s'", job_of("k2")),
		"one that comes back ends");
	json_decref(ask("job_give_back", "{'worker': '%s1', 'jobs': [{'job': '%s', 'attempt': 1}]}",
		worker, job_of("k4")));
	(void)becomes("1", "select count(*) from sched.ready");
	(void)sql("update sched.job set cancel = true where id = '%s'", job_of("k4"));
	ok(claim(2, "") == 0 && ended_as("k4", "cancelled 8101"),
		"and one that was ready is not handed out");
	end_all();
}

/* ---- suspects (RL-17) ---- */

/* The workers of two pools die without a word, each with its jobs. */
static void suspects_of_two_pools(void)
{
	char first[UUID_TEXT];

	devices("x", 4, "'X' || i", "a");
	devices("y", 4, "'Y' || i", "b");
	json_decref(ask("task_create",
		"{'task': {'name': 'xy', 'kind': 'device.probe', 'targets': {'filter':"
		" 'name ~ `x*` or name ~ `y*`'}}}"));
	json_t *j = ask("run_start", "{'ref': 'xy'}");
	(void)snprintf(run, sizeof(run), "%s", at(j, "run.id"));
	json_decref(j);
	ok(claim(3, "a") == 4 && claim(4, "b") == 4, "two pools are at work");
	(void)sql("update sched.worker set seen_at = now() - interval '1 hour';"
		  " update sched.active set lease_until = now() - interval '1 minute'");
	for (int i = 0; i < 4; i++) {
		ok(becomes("1", "select count(*) from sched.ready where pool = 'b'"),
			"one suspect of a pool comes back, whatever becomes of another pool");
		(void)snprintf(first, sizeof(first), "%s",
			sql("select job from sched.ready where pool = 'b'"));
		ok(claim(5, "b") == 1 &&
				none_refused(ask("job_result",
					"{'worker': '%s5', 'results': [{'job': '%s', 'attempt': 2,"
					" 'state': 'skipped', 'code': 1001}]}",
					worker, first)),
			"and is no suspect any more");
	}
	(void)becomes("1", "select count(*) from sched.ready where pool = 'a'");
	json_decref(ask("worker_died", "{'worker': '%s3', 'job': '%s', 'attempt': 1}", worker,
		job_of("x2")));
	ok(becomes("4", "select count(*) from sched.ready where pool = 'a'") &&
			strcmp(sql("select string_agg(device_name, ' ') from sched.job where run ="
				   " '%s' and crashes > 0",
				       run),
				"x2") == 0,
		"once the culprit is named its neighbours are free (RL-16)");
	end_all();
}

/* RL-8: what the database refuses of one dead worker's jobs keeps no other's. */
static void lost_workers_one_by_one(void)
{
	devices("z", 2, "'Z' || i", "");
	start_run("z");
	json_decref(ask("job_claim", "{'worker': '%s1', 'slots': 1}", worker));
	json_decref(ask("job_claim", "{'worker': '%s2', 'slots': 1}", worker));
	(void)sql("create function public.never() returns trigger language plpgsql as $$ begin"
		  " raise exception 'never' using errcode = 'check_violation'; end $$;"
		  " create trigger never before update on sched.job for each row when ("
		  "  new.id = '%s' and new.state = 7) execute function public.never()",
		sql("select job from sched.active order by worker limit 1"));
	(void)sql("update sched.worker set seen_at = now() - interval '1 hour';"
		  " update sched.active set lease_until = now() - interval '1 minute'");
	ok(becomes("1", "select count(*) from sched.ready") &&
			strcmp(sql("select right(worker::text, 1) from sched.active"), "1") == 0,
		"a lost worker whose jobs cannot be written does not hold up the next one (RL-8)");
	(void)sql("drop function public.never() cascade");
	ok(becomes("0", "select count(*) from sched.active"), "and its own are tried again");
	end_all();
}

/* ---- more than one statement may take (RL-8) ---- */

static bool in_portions(int from, int to)
{
	const char *got = sql("select count(*) || ' ' || max(cardinality(jobs)) || ' ' ||"
			      " sum(cardinality(jobs)) from sched.history where run = '%s' and"
			      " from_state = %d and to_state = %d",
		run, from, to);

	if (strcmp(got, "2 20000 20050") != 0)
		(void)fprintf(stderr, "# %s\n", got);
	return strcmp(got, "2 20000 20050") == 0;
}

static void many_at_a_time(void)
{
	devices("q", 20050, "'Q' || i", "");
	(void)sql("analyze fleet.device");
	json_decref(ask("task_create",
		"{'task': {'name': 'many', 'kind': 'device.probe', 'targets': {'filter':"
		" 'name = q1'}, 'retry': {'max_growth': 1}}}"));
	json_decref(ask("run_start", "{'ref': 'many'}"));
	json_decref(ask(
		"task_update", "{'ref': 'many', 'task': {'targets': {'filter': 'name ~ `q*`'}}}"));
	json_t *j = ask("run_start", "{'ref': 'many'}");
	(void)snprintf(run, sizeof(run), "%s", at(j, "run.id"));
	ok(is(j, "run.state", "awaiting_approval"), "a list has grown by many, and is held");
	json_decref(j);
	(void)sql("update sched.run set approve_until = now() where id = '%s'", run);
	ok(becomes("14", "select state from sched.run where id = '%s'", run) && in_portions(1, 14),
		"without an approval it ends, so many jobs at a time");
	j = ask("run_start", "{'ref': 'many'}");
	(void)snprintf(run, sizeof(run), "%s", at(j, "run.id"));
	json_decref(j);
	ok(becomes("20050",
		   "select count(*) from sched.ready r join sched.job j on j.id = r.job"
		   " where j.run = '%s'",
		   run) &&
			in_portions(1, 2) &&
			becomes("f", "select releasing from sched.run where id = '%s'", run),
		"a list that has not is let go likewise");
	end_all();
}

int main(void)
{
	client_open();
	(void)scheduler_start_one(quick);
	client_connect(1);
	no_serial();
	one_printer_twice();
	a_bad_report();
	a_bad_call();
	told_twice();
	nobody_waits_in_a_circle();
	cancel_is_kept();
	cancel_on_the_way();
	suspects_of_two_pools();
	lost_workers_one_by_one();
	many_at_a_time();
	client_close();
	return finish_tests();
}
