// SPDX-License-Identifier: Apache-2.0
/* What a conversion loses, for people: grouped, worst first; and what of it was accepted
 * (docs/spec/address-books.md 10.3, AB-29). */
#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "services/cli/book.h"

#define LINES_SHOWN 5u
#define FIELDS_SHOWN 8u
#define HASH_DIGITS_MIN 8u

/* What hurts most first: whole entries, members, what is cut; then fields. */
static int rank(enum ledger_action action)
{
	static const enum ledger_action first[] = {LEDGER_ENTRY_DROPPED, LEDGER_MEMBER_LOST,
		LEDGER_CUT, LEDGER_TRANSLITERATED, LEDGER_DROPPED};

	for (int i = 0; i < (int)array_len(first); i++)
		if (first[i] == action)
			return i;
	return (int)array_len(first) + (int)action;
}

static int order(const void *a, const void *b)
{
	const struct ledger_line *x = *(const struct ledger_line *const *)a;
	const struct ledger_line *y = *(const struct ledger_line *const *)b;
	int d = (int)ledger_severity(y->action) - (int)ledger_severity(x->action);

	if (d == 0)
		d = rank(x->action) - rank(y->action);
	if (d == 0)
		d = strcmp(x->reason, y->reason);
	return d != 0 ? d : (x > y) - (x < y);
}

static bool alike(const struct ledger_line *x, const struct ledger_line *y)
{
	return x->action == y->action && strcmp(x->reason, y->reason) == 0;
}

/* ---- the entries of the source, by list and key ---- */

static struct span place_of(const char *list, const char *key, struct buf *out)
{
	buf_reset(out);
	buf_add(out, list, strlen(list) + 1);
	buf_adds(out, key);
	return buf_span(out);
}

static void index_entries(const struct book *b, struct map *ret)
{
	struct buf place = BUF_INIT;

	for (uint32_t i = 0; i < b->n_lists; i++)
		for (uint32_t k = 0; k < b->list[i].n_entries; k++) {
			struct book_entry *e = &b->list[i].entry[k];
			struct span at = place_of(b->list[i].slot, e->key, &place);
			(void)map_put(ret, at.p, at.n, e);
		}
	buf_fini(&place);
}

/* People know an entry by its number, not by its key. */
static void put_entry(struct buf *out, const struct map *entries, const struct ledger_line *x)
{
	struct buf place = BUF_INIT;
	struct span at = place_of(x->list, x->key, &place);
	const struct book_entry *e = map_get(entries, at.p, at.n);

	safe_text(out, x->list);
	if (*x->key != '\0') {
		buf_addc(out, ' ');
		safe_text(out, e != NULL ? entry_number(e) : x->key);
	}
	if (*x->name != '\0') {
		buf_addc(out, ' ');
		safe_text(out, x->name);
	}
	buf_fini(&place);
}

/* ---- lines and groups ---- */

static void quoted(struct buf *out, const char *before, const char *value)
{
	buf_adds(out, before);
	buf_addc(out, '"');
	safe_text(out, value);
	buf_addc(out, '"');
}

static void show_line(FILE *out, const struct map *entries, const struct ledger_line *x)
{
	struct buf b = BUF_INIT;

	put_entry(&b, entries, x);
	if (*x->field != '\0') {
		buf_adds(&b, "  ");
		safe_text(&b, x->field);
	}
	if (*x->before != '\0')
		quoted(&b, " ", x->before);
	if (*x->after != '\0')
		quoted(&b, " → ", x->after);
	(void)fprintf(out, "    %s\n", buf_str(&b));
	buf_fini(&b);
}

/* "fax.ecm, fax.sub, uuid …": each once. */
static void put_fields(struct buf *out, const struct ledger_line *const *v, uint32_t n)
{
	const char *shown[FIELDS_SHOWN];
	uint32_t fields = 0, k;

	for (uint32_t i = 0; i < n; i++) {
		for (k = 0; k < fields && strcmp(shown[k], v[i]->field) != 0; k++)
			;
		if (k < fields || *v[i]->field == '\0')
			continue;
		if (fields == FIELDS_SHOWN) {
			buf_adds(out, " …");
			return;
		}
		shown[fields++] = v[i]->field;
		buf_adds(out, fields == 1 ? ": " : ", ");
		safe_text(out, v[i]->field);
	}
}

static const char *severity_color(enum ledger_severity s)
{
	return s >= SEVERITY_LOSS ? "\033[31m" : s == SEVERITY_ACTION ? "\033[33m" : "\033[36m";
}

static void show_group(const struct cli *c, FILE *out, const struct map *entries,
	const struct ledger_line *const *v, uint32_t n)
{
	enum ledger_severity severity = ledger_severity(v[0]->action);
	uint32_t shown = c->wide ? n : n < LINES_SHOWN ? n : LINES_SHOWN;
	struct buf b = BUF_INIT;

	safe_text(&b, v[0]->reason);
	put_fields(&b, v, n);
	(void)fprintf(out, "%s%s%s %s %u×  %s\n", paint(c, severity_color(severity)),
		ledger_severity_name(severity), paint(c, "\033[0m"),
		ledger_action_name(v[0]->action), n, buf_str(&b));
	for (uint32_t i = 0; i < shown; i++)
		show_line(out, entries, v[i]);
	if (shown < n)
		(void)fprintf(out, "    and %u more; --wide shows all\n", n - shown);
	buf_fini(&b);
}

void ledger_show(const struct cli *c, FILE *out, const struct ledger *l, const struct book *source)
{
	const struct ledger_line **v = mem_alloc((l->n + 1) * sizeof(*v));
	struct map entries = MAP_INIT;
	uint32_t from = 0;

	if (l->n > 0)
		index_entries(source, &entries);
	for (uint32_t i = 0; i < l->n; i++)
		v[i] = &l->line[i];
	qsort(v, l->n, sizeof(*v), order);
	for (uint32_t i = 1; i <= l->n; i++)
		if (i == l->n || !alike(v[i], v[from])) {
			show_group(c, out, &entries, v + from, i - from);
			from = i;
		}
	map_fini(&entries);
	free(v);
}

void ledger_hash_text(const struct ledger *l, char out[static LEDGER_HASH_TEXT])
{
	uint8_t hash[32];

	ledger_hash(l, hash);
	for (size_t i = 0; i < (LEDGER_HASH_TEXT - 1) / 2; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

/* One word of --accept: its bit in actions or severities, all of them, or this ledger by its hash.
 * 0, or -1 when it is none of these. */
static int accept_word(
	const struct ledger *l, const char *word, size_t n, uint32_t *actions, uint32_t *severities)
{
	char hash[LEDGER_HASH_TEXT];
	bool known = false;

	ledger_hash_text(l, hash);
	if (n >= HASH_DIGITS_MIN && n < sizeof(hash) && strncmp(hash, word, n) == 0) {
		*severities = UINT32_MAX;
		return 0;
	}
	if (n == 3 && strncmp(word, "all", n) == 0) {
		*severities = UINT32_MAX;
		return 0;
	}
	for (unsigned i = 0; i < LEDGER_ACTIONS; i++) {
		enum ledger_action a = (enum ledger_action)i;
		const char *action = ledger_action_name(a);
		const char *severity = ledger_severity_name(ledger_severity(a));
		if (strlen(action) == n && strncmp(action, word, n) == 0) {
			*actions |= 1u << i;
			known = true;
		}
		if (strlen(severity) == n && strncmp(severity, word, n) == 0) {
			*severities |= 1u << ledger_severity(a);
			known = true;
		}
	}
	return known ? 0 : -1;
}

int ledger_open_lines(const struct ledger *l, const char *accept)
{
	uint32_t actions = 0, severities = 0;
	int open = 0;

	for (const char *p = accept; p != NULL && *p != '\0';) {
		size_t n = strcspn(p, ",");
		if (accept_word(l, p, n, &actions, &severities) != 0)
			return cli_fail(-1,
				"--accept: '%.*s' is no class, no action and not this ledger's "
				"hash",
				(int)n, p);
		p += n + (p[n] == ',');
	}
	for (uint32_t i = 0; i < l->n; i++) {
		enum ledger_severity s = ledger_severity(l->line[i].action);
		open += s >= SEVERITY_ACTION && !(actions & 1u << l->line[i].action) &&
			!(severities & 1u << s);
	}
	return open;
}

json_t *ledger_to_json(const struct ledger *l)
{
	struct buf text = BUF_INIT;

	ledger_json(l, &text);
	json_t *j = json_loadb(buf_str(&text), text.n, 0, NULL);
	buf_fini(&text);
	return j == NULL ? json_array() : j;
}
