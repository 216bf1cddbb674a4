// SPDX-License-Identifier: Apache-2.0
/* A distribution's source is a distribution book, never a version of a device (AB-33): said when
 * the task is saved, not when its run fails. */
#include <string.h>

#include "services/gateway/gateway.h"

static void go_on(struct rest *r)
{
	r->checked(r);
}

static void got(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct rest *r = arg;
	const struct m_version_one *one = body;

	(void)instance;
	if (f != NULL && f->code != CN_NOT_FOUND)
		rest_fault(r, f);
	else if (f == NULL && one->version->kind != VERSION_KIND_DISTRIBUTION)
		rest_refuse(r, CN_VALIDATION_FAILED, "version_not_distributable",
			"that is a version of a printer or a file: import it into the destination "
			"list and make a distribution book of it, or restore it (ab.restore)");
	else
		go_on(r); /* the id of a book is not that of a version */
}

void source_check(struct rest *r, void (*then)(struct rest *r))
{
	const json_t *task = json_object_get(r->json, "task");
	const char *kind = json_string_value(json_object_get(task, "kind"));
	const char *source =
		json_string_value(json_object_get(json_object_get(task, "settings"), "source"));
	struct m_version_get ask = {.has = 0};
	struct peer_opts opts = rest_opts(r);

	r->checked = then;
	if (kind == NULL || strcmp(kind, "ab.distribute") != 0 || source == NULL ||
		uuid_parse(source, &ask.id) < 0) {
		go_on(r);
		return;
	}
	opts.request = (struct uuid){.b = {0}};
	peer_call(r->gateway->storage, &m_version_get_desc, &ask, &opts, got, r);
}
