// SPDX-License-Identifier: Apache-2.0
/* Round trips per second: bus_rr ours|stock TRANSPORT OUTSTANDING SECONDS SIZE
 * Server and client are two processes. `stock` is NNG's own REQ and REP sockets with one context
 * per outstanding call. Prints one number. */
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/tls/tls.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/lib/bus_test.h"

static struct place place;
static char url[URL_MAX];
static size_t size;

no_return static void fail(const char *what, int r)
{
	(void)fprintf(stderr, "bus_rr: %s: %s\n", what, nng_strerror(r));
	_exit(1);
}

static void check(const char *what, int r)
{
	if (r != 0)
		fail(what, r);
}

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

static nng_tls_config *stock_tls(nng_tls_mode mode)
{
	nng_tls_config *tls;

	check("tls", nng_tls_config_alloc(&tls, mode));
	check("ca", nng_tls_config_ca_file(tls, place.ca));
	if (mode == NNG_TLS_MODE_CLIENT)
		check("name", nng_tls_config_server_name(tls, "localhost"));
	char both[128];
	(void)snprintf(both, sizeof(both), "%s/both.pem", place.dir);
	check("cert", nng_tls_config_cert_key_file(tls, both, NULL));
	check("auth", nng_tls_config_auth_mode(tls, NNG_TLS_AUTH_MODE_REQUIRED));
	return tls;
}

no_return static void stock_server(void)
{
	static struct stock_call calls[256];
	nng_socket s;
	nng_listener l;

	check("rep", nng_rep0_open(&s));
	check("listener", nng_listener_create(&l, s, url));
	if (strncmp(url, "tls", 3) == 0)
		check("tls", nng_listener_setopt_ptr(
				     l, NNG_OPT_TLS_CONFIG, stock_tls(NNG_TLS_MODE_SERVER)));
	check("listen", nng_listener_start(l, 0));
	for (size_t i = 0; i < array_len(calls); i++) {
		check("ctx", nng_ctx_open(&calls[i].ctx, s));
		check("aio", nng_aio_alloc(&calls[i].aio, stock_serve, &calls[i]));
		nng_ctx_recv(calls[i].ctx, calls[i].aio);
	}
	for (;;)
		(void)pause();
}

static double stock_client(int outstanding, double seconds)
{
	struct stock_call *calls = mem_alloc((size_t)outstanding * sizeof(*calls));
	nng_socket s;
	nng_dialer d;

	check("req", nng_req0_open(&s));
	check("dialer", nng_dialer_create(&d, s, url));
	if (strncmp(url, "tls", 3) == 0)
		check("tls", nng_dialer_setopt_ptr(
				     d, NNG_OPT_TLS_CONFIG, stock_tls(NNG_TLS_MODE_CLIENT)));
	check("dial", nng_dialer_start(d, 0));
	uint64_t start = clock_mono_ns();
	for (int i = 0; i < outstanding; i++) {
		nng_msg *m;
		check("msg", nng_msg_alloc(&m, size));
		check("ctx", nng_ctx_open(&calls[i].ctx, s));
		check("aio", nng_aio_alloc(&calls[i].aio, stock_call, &calls[i]));
		nng_aio_set_msg(calls[i].aio, m);
		nng_ctx_send(calls[i].ctx, calls[i].aio);
	}
	(void)usleep((useconds_t)(seconds * 1e6));
	return (double)atomic_load(&trips) * 1e9 / (double)(clock_mono_ns() - start);
}

int main(int argc, char **argv)
{
	char cmd[300];

	if (argc != 6)
		return 2;
	bool ours = strcmp(argv[1], "ours") == 0;
	place_begin(&place);
	(void)snprintf(
		cmd, sizeof(cmd), "cat %s %s > %s/both.pem", place.cert, place.key, place.dir);
	bug_if(system(cmd) != 0);
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
