// SPDX-License-Identifier: Apache-2.0
/* Mapping files, read. */
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/book/field.h"
#include "common/book/formats/generic_priv.h"
#include "common/text/charset.h"
#include "common/text/json_pull.h"
#include "gen/errors.h"

/* Where a field of the model stands in the generic CSV; others have their own name there. */
static const struct {
	const char *field, *column;
} FIELDS[] = {
	{"email.address", "email"},
	{"fax.number", "fax"},
	{"fax.fax_number", "fax"},
	{"fax_number", "fax"},
	{"ifax.address", "ifax"},
	{"ipfax.uri", "ipfax"},
	{"uri", "ipfax"},
	{"file.secret", "secret"},
};

static const char *const COLUMNS[] = {"list", "list_name", "number", "name", "reading",
	"short_label", "kind", "email", "fax", "ifax", "ipfax", "protocol", "host", "port", "share",
	"path", "account", "secret_state", "secret", "members", "tags", "favourite", "access_no",
	"uuid"};

static const char *generic_column(const char *to)
{
	for (size_t i = 0; i < array_len(FIELDS); i++)
		if (ascii_same(FIELDS[i].field, to))
			return FIELDS[i].column;
	if (strncmp(to, "file.", 5) == 0)
		to += 5;
	for (size_t i = 0; i < array_len(COLUMNS); i++)
		if (ascii_same(COLUMNS[i], to))
			return COLUMNS[i];
	return NULL;
}

static int wrong(struct pull *p, const char *reason, const char *what, struct fault *reterr)
{
	return fault_why(reterr, CN_PARSE_ERROR, reason, "mapping, line %u, column %u: %s", p->line,
		pull_column(p), what);
}

static int add_pair(struct mapping *m, const char *from, struct pull *p, struct fault *reterr)
{
	const char *to = generic_column(buf_str(&p->text));
	const char *copy = arena_strdup(&m->arena, from);

	if (!to && strncmp(buf_str(&p->text), "x.", 2) != 0)
		return wrong(p, "mapping_field", "this is no field of an address book", reterr);
	if (m->n == MAPPING_MAX)
		return wrong(p, "columns", "more than 256 columns", reterr);
	if (!to)
		to = arena_strdup(&m->arena, buf_str(&p->text));
	m->pair[m->n++] = (struct mapping_pair){copy, to};
	return 0;
}

/* Members that begin with $ say how the file is written. */
static int set_option(struct mapping *m, const char *name, enum pull_token t, struct pull *p,
	struct fault *reterr)
{
	const char *text = buf_str(&p->text);

	if (strcmp(name, "$brackets") == 0 && (t == PULL_TRUE || t == PULL_FALSE)) {
		m->brackets = t == PULL_TRUE;
		return 0;
	}
	if (strcmp(name, "$charset") == 0 && t == PULL_STRING && charset_named(text) >= 0) {
		m->charset = charset_named(text);
		return 0;
	}
	if (strcmp(name, "$delimiter") == 0 && t == PULL_STRING && strlen(text) == 1 &&
		strchr(",;\t|", *text)) {
		m->delimiter = *text;
		return 0;
	}
	return wrong(p, "mapping_option", "no such option, or not such a value", reterr);
}

static int read_member(struct mapping *m, struct pull *p, struct fault *reterr)
{
	char *name = mem_strdup(buf_str(&p->text));
	enum pull_token t = pull_next(p);
	int r;

	if (t == PULL_WRONG)
		r = wrong(p, p->reason, p->wrong, reterr);
	else if (name[0] == '$')
		r = set_option(m, name, t, p, reterr);
	else if (t != PULL_STRING)
		r = wrong(p, "mapping_field", "the name of a field is wanted", reterr);
	else
		r = add_pair(m, name, p, reterr);
	free(name);
	return r;
}

static int read_all(struct mapping *m, struct pull *p, struct fault *reterr)
{
	enum pull_token t = pull_next(p);

	if (t != PULL_OBJECT && t != PULL_WRONG)
		return wrong(p, "mapping", "a mapping is one JSON object", reterr);
	while (t != PULL_WRONG && (t = pull_next(p)) == PULL_NAME)
		if (read_member(m, p, reterr) < 0)
			return -1;
	if (t != PULL_WRONG)
		t = pull_next(p);
	return t == PULL_WRONG ? wrong(p, p->reason, p->wrong, reterr) : 0;
}

int mapping_parse(struct span json, struct mapping **ret_mapping, struct fault *reterr)
{
	struct mapping *m = mem_alloc(sizeof(*m));
	struct pull p;
	int r;

	arena_init(&m->arena, 0);
	m->charset = -1;
	pull_init(&p, json, 4096);
	r = read_all(m, &p, reterr);
	pull_fini(&p);
	if (r < 0)
		mapping_free(m);
	else
		*ret_mapping = m;
	return r;
}

void mapping_free(struct mapping *m)
{
	if (!m)
		return;
	arena_fini(&m->arena);
	free(m);
}
