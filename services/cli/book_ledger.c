// SPDX-License-Identifier: Apache-2.0
/* What a conversion loses, for people: grouped, worst first; and what of it was accepted
 * (docs/spec/address-books.md 10.3, AB-29). */
#include <stdlib.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "services/cli/book.h"

#define NAMES_SHOWN 5u
#define HASH_DIGITS_MIN 8u

static int order(const void *a, const void *b)
{
	const struct ledger_line *x = *(const struct ledger_line *const *)a;
	const struct ledger_line *y = *(const struct ledger_line *const *)b;
	int d = (int)ledger_severity(y->action) - (int)ledger_severity(x->action);

	if (d == 0)
		d = (int)x->action - (int)y->action;
	if (d == 0)
		d = strcmp(x->field, y->field);
	if (d == 0)
		d = strcmp(x->reason, y->reason);
	return d != 0 ? d : (x > y) - (x < y);
}

static bool alike(const struct ledger_line *x, const struct ledger_line *y)
{
	return x->action == y->action && strcmp(x->field, y->field) == 0 &&
	       strcmp(x->reason, y->reason) == 0;
}

static void quoted(struct buf *out, const char *before, const char *value)
{
	buf_adds(out, before);
	buf_addc(out, '"');
	safe_text(out, value);
	buf_addc(out, '"');
}

static void show_line(FILE *out, const struct ledger_line *x)
{
	struct buf b = BUF_INIT;

	safe_text(&b, x->list);
	if (*x->key != '\0') {
		buf_addc(&b, ' ');
		safe_text(&b, x->key);
	}
	if (*x->name != '\0') {
		buf_addc(&b, ' ');
		safe_text(&b, x->name);
	}
	if (*x->before != '\0')
		quoted(&b, "  ", x->before);
	if (*x->after != '\0')
		quoted(&b, " → ", x->after);
	if (b.n > 0)
		(void)fprintf(out, "    %s\n", buf_str(&b));
	buf_fini(&b);
}

static const char *severity_color(enum ledger_severity s)
{
	return s >= SEVERITY_LOSS ? "\033[31m" : s == SEVERITY_ACTION ? "\033[33m" : "\033[36m";
}

static void show_group(
	const struct cli *c, FILE *out, const struct ledger_line *const *v, uint32_t n)
{
	enum ledger_severity severity = ledger_severity(v[0]->action);
	uint32_t shown = c->wide ? n : n < NAMES_SHOWN ? n : NAMES_SHOWN;
	struct buf b = BUF_INIT;

	safe_text(&b, v[0]->field);
	if (*v[0]->reason != '\0') {
		buf_adds(&b, b.n > 0 ? ": " : "");
		safe_text(&b, v[0]->reason);
	}
	(void)fprintf(out, "%s%s%s %s %u×  %s\n", paint(c, severity_color(severity)),
		ledger_severity_name(severity), paint(c, "\033[0m"),
		ledger_action_name(v[0]->action), n, buf_str(&b));
	for (uint32_t i = 0; i < shown; i++)
		show_line(out, v[i]);
	if (shown < n)
		(void)fprintf(out, "    and %u more; --wide shows all\n", n - shown);
	buf_fini(&b);
}

void ledger_show(const struct cli *c, FILE *out, const struct ledger *l)
{
	const struct ledger_line **v = mem_alloc((l->n + 1) * sizeof(*v));
	uint32_t from = 0;

	for (uint32_t i = 0; i < l->n; i++)
		v[i] = &l->line[i];
	qsort(v, l->n, sizeof(*v), order);
	for (uint32_t i = 1; i <= l->n; i++)
		if (i == l->n || !alike(v[i], v[from])) {
			show_group(c, out, v + from, i - from);
			from = i;
		}
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
