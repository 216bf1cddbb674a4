// SPDX-License-Identifier: Apache-2.0
/* NNG's own sockets, for interop tests and benches only: the product never uses them
 * (docs/spec/bus.md). */
#pragma once

#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/tls/tls.h>

#include "tests/lib/bus_test.h"

unused static void stock_ok(const char *what, int r)
{
	if (r == 0)
		return;
	(void)fprintf(stderr, "# stock socket: %s: %s\n", what, nng_strerror(r));
	_exit(1);
}

unused static nng_tls_config *stock_tls(const struct place *p, nng_tls_mode mode)
{
	nng_tls_config *tls;
	char both[96], cmd[400];

	(void)snprintf(both, sizeof(both), "%s/both.pem", p->dir);
	(void)snprintf(cmd, sizeof(cmd), "cat %s %s > %s", p->cert, p->key, both);
	bug_if(access(both, F_OK) != 0 && system(cmd) != 0);
	stock_ok("tls", nng_tls_config_alloc(&tls, mode));
	stock_ok("ca", nng_tls_config_ca_file(tls, p->ca));
	if (mode == NNG_TLS_MODE_CLIENT)
		stock_ok("name", nng_tls_config_server_name(tls, "localhost"));
	stock_ok("certificate", nng_tls_config_cert_key_file(tls, both, NULL));
	stock_ok("auth", nng_tls_config_auth_mode(tls, NNG_TLS_AUTH_MODE_REQUIRED));
	return tls;
}

unused static void stock_listen(const struct place *p, nng_socket s, const char *url)
{
	nng_listener l;

	stock_ok("listener", nng_listener_create(&l, s, url));
	if (strncmp(url, "tls", 3) == 0) {
		nng_tls_config *tls = stock_tls(p, NNG_TLS_MODE_SERVER);
		stock_ok("config", nng_listener_setopt_ptr(l, NNG_OPT_TLS_CONFIG, tls));
		nng_tls_config_free(tls);
	}
	stock_ok("listen", nng_listener_start(l, 0));
}

unused static void stock_dial(const struct place *p, nng_socket s, const char *url)
{
	nng_dialer d;

	stock_ok("dialer", nng_dialer_create(&d, s, url));
	if (strncmp(url, "tls", 3) == 0) {
		nng_tls_config *tls = stock_tls(p, NNG_TLS_MODE_CLIENT);
		stock_ok("config", nng_dialer_setopt_ptr(d, NNG_OPT_TLS_CONFIG, tls));
		nng_tls_config_free(tls);
	}
	stock_ok("dial", nng_dialer_start(d, NNG_FLAG_NONBLOCK));
}
