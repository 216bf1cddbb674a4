// SPDX-License-Identifier: Apache-2.0
/* The family's data: panel texts, statuses and refusal texts of schemas/profiles/canon_rui.json. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"
#include "services/simulator/sim.h"

static const char *const LANGUAGE_NAMES[LANGUAGES] = {"en", "fr", "ja"};

struct profile {
	json_t *json; /* owns every text below */
	const char *console[MATRIX_ROWS][LANGUAGES];
	int printer_status[MATRIX_ROWS], device_status[MATRIX_ROWS];
};

static int load_console(struct profile *p, struct fault *reterr)
{
	size_t i;
	json_t *line;

	json_array_foreach(json_object_get(p->json, "console"), i, line)
	{
		const char *id = json_string_value(json_object_get(line, "op"));
		const struct matrix_row *row = id ? matrix_find(id) : NULL;
		if (!row)
			return fault_set(
				reterr, CN_VALIDATION_FAILED, "console: unknown operation");
		size_t at = (size_t)row->op - 1;
		for (size_t k = 0; k < LANGUAGES; k++)
			p->console[at][k] =
				json_string_value(json_object_get(line, LANGUAGE_NAMES[k]));
		p->printer_status[at] =
			(int)json_integer_value(json_object_get(line, "printer_status"));
		p->device_status[at] =
			(int)json_integer_value(json_object_get(line, "device_status"));
	}
	for (size_t at = 0; at < MATRIX_ROWS; at++)
		for (size_t k = 0; k < LANGUAGES; k++)
			if (!p->console[at][k])
				return fault_set(reterr, CN_VALIDATION_FAILED,
					"console: no %s text of %s", LANGUAGE_NAMES[k],
					matrix[at].id);
	return 0;
}

struct profile *profile_load(const char *dir, struct fault *reterr)
{
	struct profile *p = mem_alloc(sizeof(*p));
	char path[PATH_MAX];
	json_error_t err;

	(void)snprintf(path, sizeof(path), "%s/canon_rui.json", dir);
	p->json = json_load_file(path, JSON_REJECT_DUPLICATES, &err);
	if (!p->json)
		(void)fault_set(reterr, CN_VALIDATION_FAILED, "%s: %s", path, err.text);
	if (!p->json || load_console(p, reterr) < 0) {
		profile_free(p);
		return NULL;
	}
	return p;
}

void profile_free(struct profile *p)
{
	if (p)
		json_decref(p->json);
	free(p);
}

const char *profile_ready(const struct profile *p, uint32_t language)
{
	const json_t *ready = json_object_get(p->json, "console_ready");
	const char *s = json_string_value(json_object_get(ready, LANGUAGE_NAMES[language]));

	return s ? s : "Ready";
}

const char *profile_console(const struct profile *p, enum op op, uint32_t language)
{
	return p->console[op - 1][language];
}

void profile_status(const struct profile *p, enum op op, int *ret_printer, int *ret_device)
{
	*ret_printer = p->printer_status[op - 1];
	*ret_device = p->device_status[op - 1];
}

const char *profile_text(const struct profile *p, const char *name, uint32_t language)
{
	const json_t *texts = json_object_get(json_object_get(p->json, "texts"), name);
	size_t n = json_array_size(texts);
	const char *s =
		n ? json_string_value(json_array_get(texts, size_min(language, n - 1))) : NULL;

	return s ? s : "";
}

const char *device_language(const struct device *d)
{
	return LANGUAGE_NAMES[d->language];
}

const char *device_firmware(const struct device *d)
{
	return *d->firmware ? d->firmware : d->family->firmware;
}
