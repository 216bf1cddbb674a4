// SPDX-License-Identifier: Apache-2.0
/* URLs, TLS settings and socket options, in one place for both directions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "common/bus/bus_priv.h"
#include "gen/errors.h"

#define PEM_MAX ((size_t)1024 * 1024)

static bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static int bad_url(const char *url, const char *why, struct fault *reterr)
{
	return fault_why(reterr, CN_INTERNAL_ERROR, "bus_url", "bus address \"%s\": %s", url, why);
}

int net_check_url(struct bus *b, const char *url, struct fault *reterr)
{
	nng_url *u;
	int r = 0;

	if (starts(url, "ipc://")) {
		if (strlen(url + 6) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
			return bad_url(url, "the path is too long for a socket", reterr);
		return url[6] == '/' ? 0 : bad_url(url, "an absolute path is needed", reterr);
	}
	if (!starts(url, "tcp://") && !starts(url, "tls+tcp://"))
		return bad_url(url, "must begin with ipc://, tcp:// or tls+tcp://", reterr);
	if (starts(url, "tls+") && (b->ca == NULL || b->cert == NULL || b->key == NULL))
		return bad_url(url, "TLS needs CA, certificate and key", reterr);
	if (nng_url_parse(&u, url) != 0)
		return bad_url(url, "not a URL", reterr);
	if (u->u_port == NULL || strtol(u->u_port, NULL, 10) <= 0)
		r = bad_url(url, "a port is needed", reterr);
	nng_url_free(u);
	return r;
}

int net_each_url(const char *urls, int (*fn)(void *arg, const char *url, struct fault *reterr),
	void *arg, struct fault *reterr)
{
	char *copy = mem_strdup(urls), *save = NULL;
	int r = 0, n = 0;

	for (char *url = strtok_r(copy, ", \t", &save); url != NULL && r == 0;
		url = strtok_r(NULL, ", \t", &save)) {
		r = n++ < URLS_MAX ? fn(arg, url, reterr) : bad_url(urls, "too many", reterr);
	}
	if (r == 0 && n == 0)
		r = bad_url(urls, "empty", reterr);
	free(copy);
	return r;
}

char *net_read_pem(const char *path, struct fault *reterr)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;

	if (f != NULL) {
		text = mem_alloc(PEM_MAX + 1);
		size_t n = fread(text, 1, PEM_MAX, f);
		if (ferror(f) || n == 0) {
			free(text);
			text = NULL;
		}
		(void)fclose(f);
	}
	if (text == NULL)
		(void)fault_why(reterr, CN_INTERNAL_ERROR, "bus_tls", "%s: cannot be read: %s",
			path, strerror(errno));
	return text;
}

nng_tls_config *net_tls(
	struct bus *b, nng_tls_mode mode, const char *server_name, struct fault *reterr)
{
	nng_tls_config *tls;
	int r = nng_tls_config_alloc(&tls, mode);

	if (r != 0)
		goto fail;
	r = nng_tls_config_ca_chain(tls, b->ca, NULL);
	if (r == 0)
		r = nng_tls_config_own_cert(tls, b->cert, b->key, NULL);
	if (r == 0 && server_name != NULL)
		r = nng_tls_config_server_name(tls, server_name);
	if (r == 0)
		r = nng_tls_config_auth_mode(tls, NNG_TLS_AUTH_MODE_REQUIRED);
	if (r == 0)
		return tls;
	nng_tls_config_free(tls);
fail:
	(void)fault_why(
		reterr, CN_INTERNAL_ERROR, "bus_tls", "TLS settings refused: %s", nng_strerror(r));
	return NULL;
}

/* Options that a transport does not know (ipc) are refused by it; that is fine. */
void net_set_listener(nng_stream_listener *l, nng_tls_config *tls)
{
	(void)nng_stream_listener_set_bool(l, NNG_OPT_TCP_NODELAY, true);
	(void)nng_stream_listener_set_bool(l, NNG_OPT_TCP_KEEPALIVE, true);
	if (tls != NULL)
		bug_if(nng_stream_listener_set_ptr(l, NNG_OPT_TLS_CONFIG, tls) != 0);
}

void net_set_dialer(nng_stream_dialer *d, nng_tls_config *tls)
{
	(void)nng_stream_dialer_set_bool(d, NNG_OPT_TCP_NODELAY, true);
	(void)nng_stream_dialer_set_bool(d, NNG_OPT_TCP_KEEPALIVE, true);
	if (tls != NULL)
		bug_if(nng_stream_dialer_set_ptr(d, NNG_OPT_TLS_CONFIG, tls) != 0);
}
