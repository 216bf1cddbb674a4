// SPDX-License-Identifier: Apache-2.0
/* Killed and stopped peers under traffic (docs/spec/bus.md section 5). Without arguments:
 * everything at the figures of CI, the transports side by side. By hand, for a release:
 *     BUS_KILLS=300 BUS_STOPS=40 BUS_CLIENT_KILLS=400 BUS_SEED=7 build/tests/service/bus_torture
 * The other arguments are the roles that it starts itself with. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/lib/bus_test.h"

#define SLOTS_MAX 256
#define CALL_MS 3000u
#define SLACK_MS 1500u /* a loaded machine; without it 20 ms */
#define BODY 100

static struct place place;
static uint64_t seed;
static const char *self;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % below;
}

static long setting(const char *name, long normal)
{
	const char *s = getenv(name);

	return s != NULL ? atol(s) : normal;
}

static int failures;

static void say(bool ok, const char *what, const char *detail)
{
	failures += !ok;
	(void)printf("%s - %s (%s)\n", ok ? "ok" : "not ok", what, detail);
	(void)fflush(stdout);
}

/* ---- a machine that stands still ---- */

/* Milliseconds that this whole process was not run, beyond what a scheduler does: a virtual machine
 * may be paused. Seen by a thread that has nothing to do with the bus. */
static atomic_uint_fast64_t paused_ms;

static void *watch_pauses(void *arg)
{
	uint64_t last = clock_mono_ms();

	(void)arg;
	for (;;) {
		(void)usleep(20000);
		uint64_t now = clock_mono_ms();
		if (now - last > 500)
			atomic_fetch_add(&paused_ms, now - last);
		last = now;
	}
	return NULL;
}

/* ---- child processes ---- */

struct child {
	pid_t pid;
	int out; /* its stdout */
};

static struct child start(const char *role, const char *url)
{
	struct child c;
	int p[2];

	bug_if(pipe2(p, O_CLOEXEC) != 0);
	c.pid = fork();
	bug_if(c.pid < 0);
	if (c.pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(p[1], 1);
		(void)execl(self, self, role, place.dir, url, (char *)NULL);
		_exit(127);
	}
	(void)close(p[1]);
	c.out = p[0];
	return c;
}

static bool child_says(struct child *c, int ms)
{
	struct pollfd p = {.fd = c->out, .events = POLLIN};
	char b;

	return poll(&p, 1, ms) > 0 && read(c->out, &b, 1) == 1;
}

static void end(struct child *c)
{
	(void)kill(c->pid, SIGKILL);
	(void)waitpid(c->pid, NULL, 0);
	(void)close(c->out);
}

/* ---- role: server. Answers half of the calls at once, half some milliseconds later ---- */

struct held {
	struct bus_call *call;
	struct span body; /* valid until bus_reply */
};

static struct {
	struct held held[4096];
	size_t n;
	uint64_t count;
} server;

static void serve(void *arg, struct bus_call *call, struct span body)
{
	(void)arg;
	if (server.count++ % 2 == 0 || server.n == array_len(server.held))
		bus_reply(call, body);
	else
		server.held[server.n++] = (struct held){call, body};
}

static void answer_held(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < server.n; i++)
		bus_reply(server.held[i].call, server.held[i].body);
	server.n = 0;
}

static void ready(void)
{
	(void)!write(1, "r", 1);
}

static int role_server(const char *url)
{
	struct fault f = FAULT_INIT;
	struct loop *l = loop_new();
	struct bus *b = bus_new(l, &place.opts, &f);

	if (b == NULL || bus_serve(b, url, serve, NULL, &f) < 0) {
		(void)fprintf(stderr, "# server: %s\n", f.detail);
		return 1;
	}
	timer_set(timer_new(l, answer_held, NULL), 3, 3);
	ready();
	loop_run(l);
	return 0;
}

/* ---- callers: a number of calls always outstanding ---- */

struct traffic;

struct slot {
	struct traffic *t;
	uint64_t sent_at, paused_at; /* paused_ms then */
	uint8_t body[BODY];
};

struct traffic {
	struct loop *loop;
	struct bus *bus;
	struct bus_client *client;
	struct slot slots[SLOTS_MAX];
	size_t n;
	uint64_t ok, lost, deadline, unavailable; /* results */
	uint64_t late, wrong;                     /* violations */
	uint64_t since;                           /* calls sent from then on count as new */
	uint64_t new_ok_at;                       /* first answer to a new call */
	uint64_t number;
	bool stop;
};

static void call_done(void *arg, enum bus_result result, struct span body, uint64_t peer);

static void call(struct slot *s)
{
	struct traffic *t = s->t;

	t->number++;
	memcpy(s->body, &t->number, sizeof(t->number));
	s->sent_at = clock_mono_ms();
	s->paused_at = atomic_load(&paused_ms);
	bus_send(t->client, 0, (struct span){s->body, BODY}, CALL_MS, call_done, s);
}

static void call_done(void *arg, enum bus_result result, struct span body, uint64_t peer)
{
	struct slot *s = arg;
	struct traffic *t = s->t;
	uint64_t now = clock_mono_ms(), paused = atomic_load(&paused_ms) - s->paused_at;

	(void)peer;
	t->late += now - s->sent_at > CALL_MS + SLACK_MS + paused;
	switch (result) {
	case BUS_OK:
		t->ok++;
		t->wrong += body.n != BODY || memcmp(body.p, s->body, BODY) != 0;
		if (t->new_ok_at == 0 && s->sent_at >= t->since)
			t->new_ok_at = now;
		break;
	case BUS_LOST:
		t->lost++;
		break;
	case BUS_DEADLINE:
		t->deadline++;
		break;
	case BUS_UNAVAILABLE:
		t->unavailable++;
		break;
	}
	if (t->stop)
		s->t = NULL;
	else
		call(s);
}

static void traffic_begin(struct traffic *t, const char *url, size_t n)
{
	struct fault f = FAULT_INIT;

	*t = (struct traffic){.loop = loop_new(), .n = n};
	t->bus = bus_new(t->loop, &place.opts, &f);
	bug_if(t->bus == NULL);
	t->client = bus_connect(t->bus, url, &f);
	bug_if(t->client == NULL);
	for (size_t i = 0; i < n; i++) {
		t->slots[i].t = t;
		call(&t->slots[i]);
	}
}

static bool all_idle(void *arg)
{
	const struct traffic *t = arg;

	for (size_t i = 0; i < t->n; i++)
		if (t->slots[i].t != NULL)
			return false;
	return true;
}

/* Every call must end by itself. */
static bool traffic_end(struct traffic *t)
{
	t->stop = true;
	bool all = run_until(t->loop, CALL_MS + SLACK_MS, all_idle, t);
	bus_free(t->bus);
	loop_free(t->loop);
	return all;
}

static bool has_new_ok(void *arg)
{
	return ((struct traffic *)arg)->new_ok_at != 0;
}

/* From now on calls count as new; returns after how long one was answered, -1 = not in time. */
static long recovery(struct traffic *t, uint64_t limit)
{
	t->since = clock_mono_ms();
	t->new_ok_at = 0;
	return run_until(t->loop, limit, has_new_ok, t) ? (long)(t->new_ok_at - t->since) : -1;
}

struct flat {
	long fds, tasks;
};

static bool is_flat(void *arg)
{
	const struct flat *f = arg;

	return count_of(getpid(), "fd") <= f->fds && count_of(getpid(), "task") <= f->tasks;
}

static int role_client(const char *url)
{
	static struct traffic t;

	traffic_begin(&t, url, 32);
	bug_if(recovery(&t, 10000) < 0);
	ready();
	loop_run(t.loop);
	return 0;
}

/* ---- what is done to them ---- */

struct result {
	long rounds, slowest, unrecovered;
	bool ended, is_flat;
};

static void report(const char *what, size_t n, const char *url, const struct traffic *t,
	const struct result *r)
{
	char title[200], detail[300];

	(void)snprintf(title, sizeof(title), "%s, %zu calls outstanding over %.*s", what, n,
		(int)strcspn(url, ":"), url);
	(void)snprintf(detail, sizeof(detail),
		"%ld rounds, slowest recovery %ld ms, not recovered %ld, ok %llu lost %llu "
		"deadline "
		"%llu never sent %llu, late %llu, wrong %llu, machine paused %llu ms, %s, "
		"descriptors and threads %s",
		r->rounds, r->slowest, r->unrecovered, (unsigned long long)t->ok,
		(unsigned long long)t->lost, (unsigned long long)t->deadline,
		(unsigned long long)t->unavailable, (unsigned long long)t->late,
		(unsigned long long)t->wrong, (unsigned long long)atomic_load(&paused_ms),
		r->ended ? "all calls ended" : "CALLS LEFT", r->is_flat ? "as before" : "GREW");
	say(r->unrecovered == 0 && t->late == 0 && t->wrong == 0 && t->ok > 0 && r->ended &&
			r->is_flat,
		title, detail);
}

static void note_recovery(struct result *r, long ms)
{
	r->unrecovered += ms < 0;
	r->slowest = ms > r->slowest ? ms : r->slowest;
}

/* new calls succeed 2 s after the server is back, 5 s on tls */
static uint64_t recovery_limit(enum transport t)
{
	return t == TLS ? 5000 : 2000;
}

static bool has_said(void *arg)
{
	return child_says(arg, 0);
}

static void server_killed(enum transport transport, size_t n, long rounds)
{
	static struct traffic t;
	struct result r = {.rounds = rounds};
	struct flat flat = {0, 0};
	char url[URL_MAX];

	make_url(&place, transport, url);
	struct child peer = start("server", url);
	bug_if(!child_says(&peer, 10000));
	traffic_begin(&t, url, n);
	(void)recovery(&t, 10000);
	for (long i = 0; i < rounds; i++) {
		run_for(t.loop, 5 + rnd(60));
		if (i == 2) /* the library has started its threads */
			flat = (struct flat){count_of(getpid(), "fd"), count_of(getpid(), "task")};
		end(&peer);
		run_for(t.loop, rnd(60));
		peer = start("server", url);
		bug_if(!run_until(t.loop, 10000, has_said, &peer)); /* calls go on ending */
		note_recovery(&r, recovery(&t, recovery_limit(transport)));
	}
	r.is_flat = rounds < 3 || run_until(t.loop, 5000, is_flat, &flat);
	r.ended = traffic_end(&t);
	end(&peer);
	report("a server killed and started again", n, url, &t, &r);
}

static void server_stopped(enum transport transport, size_t n, long rounds)
{
	static struct traffic t;
	struct result r = {.rounds = rounds};
	char url[URL_MAX];

	make_url(&place, transport, url);
	struct child peer = start("server", url);
	bug_if(!child_says(&peer, 10000));
	traffic_begin(&t, url, n);
	(void)recovery(&t, 10000);
	struct flat flat = {count_of(getpid(), "fd"), count_of(getpid(), "task")};
	for (long i = 0; i < rounds; i++) {
		(void)kill(peer.pid, SIGSTOP);
		/* the last of the three is longer than the silence limit of the client */
		run_for(t.loop, i % 3 == 2 ? 4300 + rnd(700) : 1000 + rnd(1000));
		(void)kill(peer.pid, SIGCONT);
		note_recovery(&r, recovery(&t, 5000));
	}
	r.is_flat = run_until(t.loop, 5000, is_flat, &flat);
	r.ended = traffic_end(&t);
	end(&peer);
	report("a server stopped for 1 to 5 s", n, url, &t, &r);
}

static long settled(pid_t pid, const char *what, long at_most)
{
	uint64_t deadline = clock_mono_ms() + 8000;
	long n;

	while ((n = count_of(pid, what)) > at_most && clock_mono_ms() < deadline)
		(void)usleep(20000);
	return n;
}

static void client_killed(enum transport transport, long rounds)
{
	char url[URL_MAX], title[128], detail[128];
	long fds = 0, tasks = 0, mute = 0;

	make_url(&place, transport, url);
	struct child peer = start("server", url);
	bug_if(!child_says(&peer, 10000));
	for (long i = 0; i < rounds + 3; i++) {
		struct child client = start("client", url);
		mute += !child_says(&client, 10000);
		(void)usleep(1000 * rnd(40));
		end(&client);
		if (i == 2) {
			(void)usleep(300000);
			fds = count_of(peer.pid, "fd");
			tasks = count_of(peer.pid, "task");
		}
	}
	long fds_after = settled(peer.pid, "fd", fds);
	long tasks_after = settled(peer.pid, "task", tasks);
	end(&peer);
	(void)snprintf(title, sizeof(title), "clients killed under traffic over %s",
		transport_names[transport]);
	(void)snprintf(detail, sizeof(detail),
		"%ld kills, %ld got no answer, server descriptors %ld then %ld, threads %ld then "
		"%ld",
		rounds, mute, fds, fds_after, tasks, tasks_after);
	say(mute == 0 && fds_after <= fds && tasks_after <= tasks, title, detail);
}

/* ---- everything of one transport, in a process of its own ---- */

static int role_group(const char *name)
{
	enum transport t = TCP;

	while (strcmp(transport_names[t], name) != 0)
		t++;
	seed += (uint64_t)t << 32;
	pthread_t watch;
	bug_if(pthread_create(&watch, NULL, watch_pauses, NULL) != 0);
	long kills = setting("BUS_KILLS", 20);
	server_killed(t, 1, kills);
	server_killed(t, 32, kills);
	server_killed(t, 256, kills);
	server_stopped(t, 32, setting("BUS_STOPS", 3));
	client_killed(t, setting("BUS_CLIENT_KILLS", 50));
	return failures > 0;
}

static void copy_out(struct child *c)
{
	char b[4096];
	ssize_t n;
	int status = 0;

	while ((n = read(c->out, b, sizeof(b))) > 0)
		(void)fwrite(b, 1, (size_t)n, stdout);
	(void)waitpid(c->pid, &status, 0);
	(void)close(c->out);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		say(false, "a group of tests ran to its end", "it crashed");
	failures += WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static int everything(void)
{
	struct child groups[TRANSPORTS];

	place_begin(&place);
	(void)printf("# seed %llu\n", (unsigned long long)seed);
	(void)fflush(stdout);
	for (int t = 0; t < TRANSPORTS; t++)
		groups[t] = start("group", transport_names[t]);
	for (int t = 0; t < TRANSPORTS; t++)
		copy_out(&groups[t]);
	place_end(&place);
	(void)printf("1..%d\n", TRANSPORTS * 5);
	return failures > 0;
}

int main(int argc, char **argv)
{
	self = "/proc/self/exe";
	seed = (uint64_t)setting("BUS_SEED", 1);
	if (argc != 4)
		return everything();
	place_at(&place, argv[2]);
	if (strcmp(argv[1], "server") == 0)
		return role_server(argv[3]);
	if (strcmp(argv[1], "client") == 0)
		return role_client(argv[3]);
	return role_group(argv[3]);
}
