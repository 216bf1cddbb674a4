// SPDX-License-Identifier: Apache-2.0
/* Round trips per second: bus_rr ours|stock TRANSPORT OUTSTANDING SECONDS SIZE
 * Server and client are two processes. `stock` is NNG's own REQ and REP sockets with one context
 * per outstanding call. Prints one number. */
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/lib/bus_stock.h"

static struct place place;
static char url[URL_MAX];
static size_t size;

/* ---- ours ---- */

static void echo(void *arg, struct bus_call *call, struct span body)
{
	(void)arg;
	bus_reply(call, body);
}

no_return static void our_server(void)
{
	struct fault f = FAULT_INIT;
	struct loop *l = loop_new();
	struct bus *b = bus_new(l, &place.opts, &f);

	if (b == NULL || bus_serve(b, url, echo, NULL, &f) < 0) {
		(void)fprintf(stderr, "bus_rr: %s\n", f.detail);
		_exit(1);
	}
	loop_run(l);
	_exit(0);
}

struct caller {
	struct bus_client *client;
	uint8_t *body;
	uint64_t n, failed;
	bool stop;
};

static void call_again(void *arg, enum bus_result result, struct span body, uint64_t peer)
{
	struct caller *c = arg;

	(void)body;
	(void)peer;
	c->n++;
	c->failed += result != BUS_OK;
	if (!c->stop)
		bus_send(c->client, 0, (struct span){c->body, size}, 5000, call_again, c);
}

static bool is_live(void *arg)
{
	return bus_live(((struct caller *)arg)->client) > 0;
}

static double our_client(int outstanding, double seconds)
{
	struct fault f = FAULT_INIT;
	struct loop *l = loop_new();
	struct bus *b = bus_new(l, &place.opts, &f);
	struct caller c = {.body = mem_alloc(size + 1)};

	bug_if(b == NULL);
	c.client = bus_connect(b, url, &f);
	bug_if(c.client == NULL || !run_until(l, 5000, is_live, &c));
	uint64_t start = clock_mono_ns();
	for (int i = 0; i < outstanding; i++)
		bus_send(c.client, 0, (struct span){c.body, size}, 5000, call_again, &c);
	run_for(l, (uint64_t)(seconds * 1000));
	double rate = (double)c.n * 1e9 / (double)(clock_mono_ns() - start);
	c.stop = true;
	bug_if(c.failed > 0);
	return rate;
}

/* ---- stock sockets ---- */

struct stock_call {
	nng_ctx ctx;
	nng_aio *aio;
	bool second; /* the server sends, the client receives */
};

static atomic_long trips;

static void stock_serve(void *arg)
{
	struct stock_call *c = arg;

	if (nng_aio_result(c->aio) != 0)
		return;
	c->second = !c->second;
	if (c->second)
		nng_ctx_send(c->ctx, c->aio); /* the message that came */
	else
		nng_ctx_recv(c->ctx, c->aio);
}

static void stock_call(void *arg)
{
	struct stock_call *c = arg;

	if (nng_aio_result(c->aio) != 0)
		return;
	if (c->second)
		atomic_fetch_add(&trips, 1);
	c->second = !c->second;
	if (c->second)
		nng_ctx_recv(c->ctx, c->aio);
	else
		nng_ctx_send(c->ctx, c->aio);
}

no_return static void stock_server(void)
{
	static struct stock_call calls[256];
	nng_socket s;

	stock_ok("rep", nng_rep0_open(&s));
	stock_listen(&place, s, url);
	for (size_t i = 0; i < array_len(calls); i++) {
		stock_ok("ctx", nng_ctx_open(&calls[i].ctx, s));
		stock_ok("aio", nng_aio_alloc(&calls[i].aio, stock_serve, &calls[i]));
		nng_ctx_recv(calls[i].ctx, calls[i].aio);
	}
	for (;;)
		(void)pause();
}

static double stock_client(int outstanding, double seconds)
{
	struct stock_call *calls = mem_alloc((size_t)outstanding * sizeof(*calls));
	nng_socket s;

	stock_ok("req", nng_req0_open(&s));
	stock_dial(&place, s, url);
	(void)usleep(300000);
	uint64_t start = clock_mono_ns();
	for (int i = 0; i < outstanding; i++) {
		nng_msg *m;
		stock_ok("msg", nng_msg_alloc(&m, size));
		stock_ok("ctx", nng_ctx_open(&calls[i].ctx, s));
		stock_ok("aio", nng_aio_alloc(&calls[i].aio, stock_call, &calls[i]));
		nng_aio_set_msg(calls[i].aio, m);
		nng_ctx_send(calls[i].ctx, calls[i].aio);
	}
	(void)usleep((useconds_t)(seconds * 1e6));
	return (double)atomic_load(&trips) * 1e9 / (double)(clock_mono_ns() - start);
}

int main(int argc, char **argv)
{

	if (argc != 6)
		return 2;
	bool ours = strcmp(argv[1], "ours") == 0;
	place_begin(&place);
	for (int t = 0; t < TRANSPORTS; t++)
		if (strcmp(argv[2], transport_names[t]) == 0)
			make_url(&place, (enum transport)t, url);
	size = (size_t)atol(argv[5]);
	pid_t pid = fork(); /* before the library starts its threads */
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ours)
			our_server();
		stock_server();
	}
	(void)usleep(200000);
	double rate = ours ? our_client(atoi(argv[3]), atof(argv[4]))
			   : stock_client(atoi(argv[3]), atof(argv[4]));
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	place_end(&place);
	(void)printf("%.0f\n", rate);
	(void)fflush(stdout);
	_exit(0);
}
