// SPDX-License-Identifier: Apache-2.0
/* Pages without sign-in: the OpenAPI document, liveness and readiness. */
#include <stdlib.h>
#include <string.h>

#include "common/db/db.h"
#include "services/gateway/gateway.h"
#include "services/gateway/openapi.h"

static void text(struct http_request *http, unsigned status, const char *type, const char *s)
{
	http_respond(http, status, type, (struct span){(const uint8_t *)s, strlen(s)});
}

/* Made once: routes do not change while we run. */
static const char *openapi_text(void)
{
	static char *made;

	if (made == NULL) {
		json_t *doc = openapi_document("1");
		made = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
		json_decref(doc);
	}
	return made;
}

bool open_page(struct gateway *g, struct http_request *http, const char *path)
{
	if (strcmp(http_method(http), "GET") != 0)
		return false;
	if (strcmp(path, "/openapi.json") == 0 || strcmp(path, "/api/v1/openapi.json") == 0)
		text(http, 200, "application/json", openapi_text());
	else if (strcmp(path, "/healthz") == 0)
		text(http, 200, "text/plain", "ok\n");
	else if (strcmp(path, "/readyz") == 0)
		text(http, db_up(g->service->db) ? 200 : 503, "text/plain",
			db_up(g->service->db) ? "ready\n" : "no database\n");
	else
		return false;
	return true;
}
