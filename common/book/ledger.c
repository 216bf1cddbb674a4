// SPDX-License-Identifier: Apache-2.0
/* The ledger's lines, its hash and its forms. */
#include "common/book/ledger.h"

#include <jansson.h>
#include <string.h>

#include "common/crypto/crypto.h"

static const struct {
	const char *name;
	enum ledger_severity severity;
} ACTIONS[LEDGER_ACTIONS] = {
	[LEDGER_DROPPED] = {"dropped", SEVERITY_LOSS},
	[LEDGER_ENTRY_DROPPED] = {"entry_dropped", SEVERITY_LOSS},
	[LEDGER_CUT] = {"cut", SEVERITY_LOSS},
	[LEDGER_REENCODED] = {"reencoded", SEVERITY_CHANGE},
	[LEDGER_TRANSLITERATED] = {"transliterated", SEVERITY_LOSS},
	[LEDGER_REMAPPED] = {"remapped", SEVERITY_CHANGE},
	[LEDGER_SPLIT] = {"split", SEVERITY_CHANGE},
	[LEDGER_MERGED] = {"merged", SEVERITY_CHANGE},
	[LEDGER_RENUMBERED] = {"renumbered", SEVERITY_CHANGE},
	[LEDGER_DEFAULTED] = {"defaulted", SEVERITY_CHANGE},
	[LEDGER_SECRET_NEEDED] = {"secret_needed", SEVERITY_ACTION},
	[LEDGER_MEMBER_LOST] = {"member_lost", SEVERITY_LOSS},
	[LEDGER_DUPLICATE] = {"duplicate", SEVERITY_WARNING},
	[LEDGER_SIDE_EFFECT] = {"side_effect", SEVERITY_DESTRUCTIVE},
};

static const char *const SEVERITIES[] = {"change", "warning", "action", "loss", "destructive"};

void ledger_init(struct ledger *l)
{
	*l = (struct ledger){.line = NULL};
	arena_init(&l->arena, 0);
}

void ledger_fini(struct ledger *l)
{
	arena_fini(&l->arena);
	*l = (struct ledger){.line = NULL};
}

static const char *own(struct ledger *l, const char *s)
{
	const char *copy = s && *s ? arena_strdup(&l->arena, s) : "";

	bug_if(copy == NULL); /* the arena has no bound */
	return copy;
}

void ledger_add(struct ledger *l, const struct ledger_line *line)
{
	if (l->n == l->cap) {
		uint32_t cap = l->cap ? 2 * l->cap : 16;
		struct ledger_line *v = arena_array(&l->arena, cap, sizeof(*v));
		bug_if(v == NULL);
		if (l->n)
			memcpy(v, l->line, l->n * sizeof(*v));
		l->line = v;
		l->cap = cap;
	}
	l->line[l->n++] = (struct ledger_line){
		.action = line->action,
		.list = own(l, line->list),
		.key = own(l, line->key),
		.name = own(l, line->name),
		.field = own(l, line->field),
		.before = own(l, line->before),
		.after = own(l, line->after),
		.reason = own(l, line->reason),
	};
}

enum ledger_severity ledger_severity(enum ledger_action action)
{
	return ACTIONS[action].severity;
}

const char *ledger_action_name(enum ledger_action action)
{
	return ACTIONS[action].name;
}

const char *ledger_severity_name(enum ledger_severity severity)
{
	return SEVERITIES[severity];
}

int ledger_action_named(const char *name)
{
	for (int i = 0; i < LEDGER_ACTIONS; i++)
		if (strcmp(ACTIONS[i].name, name) == 0)
			return i;
	return -1;
}

uint32_t ledger_losses(const struct ledger *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n; i++)
		n += ledger_severity(l->line[i].action) >= SEVERITY_ACTION;
	return n;
}

#define TEXTS 8

/* In the order in which they are hashed and printed. */
static void texts_of(const struct ledger_line *line, const char *ret[static TEXTS])
{
	const char *const v[TEXTS] = {ledger_action_name(line->action), line->list, line->key,
		line->name, line->field, line->before, line->after, line->reason};

	memcpy(ret, v, sizeof(v));
}

void ledger_hash(const struct ledger *l, uint8_t hash[static 32])
{
	struct sha256 *h = sha256_new();
	const char *v[TEXTS];

	sha256_add(h, (struct span){(const uint8_t *)"carnet.ledger.v1", 17});
	for (uint32_t i = 0; i < l->n; i++) {
		texts_of(&l->line[i], v);
		for (size_t k = 0; k < TEXTS; k++) /* with its NUL: texts have none inside */
			sha256_add(h, (struct span){(const uint8_t *)v[k], strlen(v[k]) + 1});
	}
	sha256_end(h, hash);
}

static int to_buf(const char *p, size_t n, void *out)
{
	buf_add(out, p, n);
	return 0;
}

void ledger_json(const struct ledger *l, struct buf *out)
{
	json_t *a = json_array();

	for (uint32_t i = 0; i < l->n; i++) {
		const struct ledger_line *x = &l->line[i];
		json_t *o = json_pack("{ss ss ss ss ss ss ss ss ss}", "action",
			ledger_action_name(x->action), "severity",
			ledger_severity_name(ledger_severity(x->action)), "list", x->list, "key",
			x->key, "name", x->name, "field", x->field, "before", x->before, "after",
			x->after, "reason", x->reason);
		if (json_array_append_new(a, o) < 0)
			out->err = true;
	}
	if (json_dump_callback(a, to_buf, out, JSON_COMPACT) < 0)
		out->err = true;
	json_decref(a);
}

/* People open it in a spreadsheet: a cell never begins a formula (section 6). */
static void cell(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	if (*s && strchr("=+-@\t\r\n'", *s))
		buf_addc(out, '\'');
	for (; *s; s++) {
		if (*s == '"')
			buf_addc(out, '"');
		buf_addc(out, *s);
	}
	buf_addc(out, '"');
}

void ledger_csv(const struct ledger *l, struct buf *out)
{
	const char *v[TEXTS];

	buf_adds(out, "action,list,key,name,field,before,after,reason,severity\r\n");
	for (uint32_t i = 0; i < l->n; i++) {
		texts_of(&l->line[i], v);
		for (size_t k = 0; k < TEXTS; k++) {
			cell(out, v[k]);
			buf_addc(out, ',');
		}
		cell(out, ledger_severity_name(ledger_severity(l->line[i].action)));
		buf_adds(out, "\r\n");
	}
}
