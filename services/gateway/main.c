// SPDX-License-Identifier: Apache-2.0
/* carnet-gateway: the only door from outside. REST after schemas/routes.tab, sign-in, roles, audit
 * trail, event streams; everything else is a call to the service that owns it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "services/gateway/audit.h"
#include "services/gateway/checkpoint.h"
#include "services/gateway/events.h"
#include "services/gateway/gateway.h"
#include "services/gateway/notify.h"
#include "services/gateway/setup.h"
#include "services/gateway/standing.h"

static struct gateway_config config;
static struct gateway gateway = {.config = &config};

/* The worker class's public key, in hex: with it, and only with it, secrets can be taken in. */
static int read_class_key(struct fault *reterr)
{
	char text[80] = "";
	FILE *f;

	if (*config.class_key_public == '\0')
		return 0;
	f = fopen(config.class_key_public, "re");
	if (f == NULL || fgets(text, sizeof(text), f) == NULL) {
		if (f != NULL)
			(void)fclose(f);
		return fault_set(reterr, CN_VALIDATION_FAILED, "class_key_public: cannot read %s",
			config.class_key_public);
	}
	(void)fclose(f);
	text[strcspn(text, "\r\n")] = '\0';
	if (hex_decode(text, gateway.class_public, sizeof(gateway.class_public)) != 0)
		return fault_set(reterr, CN_VALIDATION_FAILED,
			"class_key_public: %s does not hold 64 hex digits",
			config.class_key_public);
	gateway.class_known = true;
	return 0;
}

static int read_keys(struct fault *reterr)
{
	if (uuid_parse(config.tenant, &gateway.tenant) != 0)
		return fault_set(reterr, CN_VALIDATION_FAILED, "tenant: not a UUID");
	if (*config.pepper_file != '\0') {
		if (key_file_read(config.pepper_file, gateway.pepper, sizeof(gateway.pepper),
			    reterr) != 0)
			return -1;
		gateway.pepper_n = sizeof(gateway.pepper);
	}
	return read_class_key(reterr);
}

static int connect_peers(struct service *s, struct fault *reterr)
{
	gateway.scheduler = peer_new(s, config.common.scheduler_urls, reterr);
	gateway.lock =
		gateway.scheduler == NULL ? NULL : peer_new(s, config.common.lock_urls, reterr);
	gateway.storage =
		gateway.lock == NULL ? NULL : peer_new(s, config.common.storage_urls, reterr);
	gateway.sync =
		gateway.storage == NULL ? NULL : peer_new(s, config.common.sync_urls, reterr);
	return gateway.sync == NULL ? -1 : 0;
}

static bool early(void *arg, const struct http_request *http)
{
	(void)arg;
	return upload_head(http_method(http), http_path(http));
}

static int start(struct service *s, struct fault *reterr)
{
	struct http_server_opts opts = {
		.listen = config.listen, .refuse = rest_turn_away, .early = early};

	gateway.service = s;
	if (address_nets("trusted_proxies", config.trusted_proxies, &gateway.proxies, reterr) != 0)
		return -1;
	if (read_keys(reterr) != 0 || connect_peers(s, reterr) != 0)
		return -1;
	gateway.audit = audit_new(&gateway);
	gateway.checkpoints = checkpoints_new(&gateway, reterr);
	if (gateway.checkpoints == NULL)
		return -1;
	gateway.standings = standings_new(&gateway);
	gateway.events = events_new(&gateway, reterr);
	if (gateway.events == NULL)
		return -1;
	gateway.notify = notify_new(&gateway, reterr);
	if (gateway.notify == NULL)
		return -1;
	gateway.rest = http_server_new(s->loop, &opts, rest_accept, &gateway, reterr);
	if (gateway.rest == NULL)
		return -1;
	setup_open(&gateway);
	return 0;
}

static const struct handler no_handlers[] = {{0, NULL}};

static const struct service_def GATEWAY = {
	.name = "gateway",
	.config = &gateway_config_table,
	.settings = &config,
	.handlers = no_handlers,
	.database = true,
	.start = start,
};

int main(int argc, char **argv)
{
	return service_main(&GATEWAY, argc, argv);
}
