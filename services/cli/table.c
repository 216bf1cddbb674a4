// SPDX-License-Identifier: Apache-2.0
/* Answers for people: tables that keep their columns under wide characters, safe on a terminal. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "services/cli/cli.h"

#define COLUMNS 32
#define CELL_MAX ((size_t)60)
#define CELL_MIN ((size_t)8)

void print_json(const json_t *j)
{
	char *text = json_dumps(j, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	if (text != NULL)
		(void)printf("%s\n", text);
	free(text);
}

/* C0, C1, DEL and the characters that turn the writing direction round. */
static bool unsafe(wchar_t w)
{
	return w < 0x20 || (w >= 0x7f && w < 0xa0) || w == 0x061c || w == 0x200e || w == 0x200f ||
	       (w >= 0x202a && w <= 0x202e) || (w >= 0x2066 && w <= 0x2069);
}

void safe_text(struct buf *out, const char *s)
{
	mbstate_t state = {0};
	wchar_t w;

	while (*s != '\0') {
		size_t n = mbrtowc(&w, s, strlen(s), &state);
		if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
			buf_addf(out, "\\x%02x", (unsigned char)*s++);
			memset(&state, 0, sizeof(state));
			continue;
		}
		if (unsafe(w))
			buf_addf(out, "\\u%04x", (unsigned)w);
		else
			buf_add(out, s, n);
		s += n;
	}
}

size_t table_width(const char *s)
{
	mbstate_t state = {0};
	size_t width = 0;
	wchar_t w;

	while (*s != '\0') {
		size_t n = mbrtowc(&w, s, strlen(s), &state);
		if (n == (size_t)-1 || n == (size_t)-2 || n == 0)
			return width + strlen(s);
		int cells = wcwidth(w);
		width += cells > 0 ? (size_t)cells : 0;
		s += n;
	}
	return width;
}

/* ---- values ---- */

static bool is_time(const char *member)
{
	size_t n = strlen(member);

	return (n > 3 && strcmp(member + n - 3, "_at") == 0) || strcmp(member, "at") == 0 ||
	       strcmp(member, "since") == 0 || strcmp(member, "until") == 0;
}

/* RFC 3339 in UTC → the reader's own zone. */
static void local_time(struct buf *out, const char *text)
{
	struct tm tm = {.tm_isdst = 0};
	char shown[32];

	if (strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) == NULL) {
		safe_text(out, text);
		return;
	}
	time_t at = timegm(&tm);
	if (localtime_r(&at, &tm) != NULL &&
		strftime(shown, sizeof(shown), "%Y-%m-%d %H:%M:%S", &tm) > 0)
		buf_adds(out, shown);
}

static void bytes_value(struct buf *out, json_int_t n)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	double v = (double)n;
	size_t u = 0;

	while (v >= 1024 && u + 1 < array_len(units)) {
		v /= 1024;
		u++;
	}
	if (u == 0)
		buf_addf(out, "%lld B", (long long)n);
	else
		buf_addf(out, "%.1f %s", v, units[u]);
}

/* ["email", "fax"] as email,fax; false = other things are in it, too. */
static bool words_value(struct buf *out, const json_t *list)
{
	size_t i;
	const json_t *word;

	if (!json_is_array(list))
		return false;
	json_array_foreach(list, i, word) if (!json_is_string(word)) return false;
	json_array_foreach(list, i, word)
	{
		buf_adds(out, i > 0 ? "," : "");
		safe_text(out, json_string_value(word));
	}
	return true;
}

void table_value(struct buf *out, const char *member, const json_t *value)
{
	if (value == NULL || json_is_null(value))
		return;
	if (json_is_string(value) && is_time(member)) {
		local_time(out, json_string_value(value));
	} else if (json_is_string(value)) {
		safe_text(out, json_string_value(value));
	} else if (json_is_integer(value) && strncmp(member, "bytes", 5) == 0) {
		bytes_value(out, json_integer_value(value));
	} else if (json_is_integer(value)) {
		buf_addf(out, "%lld", (long long)json_integer_value(value));
	} else if (json_is_boolean(value)) {
		buf_adds(out, json_is_true(value) ? "yes" : "no");
	} else if (!words_value(out, value)) {
		char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		safe_text(out, text == NULL ? "" : text);
		free(text);
	}
}

/* ---- columns ---- */

struct column {
	char member[64];
	char title[32];
	size_t width;
};

static size_t parse_columns(struct column *c, size_t n, const char *spec)
{
	while (spec != NULL && *spec != '\0' && n < COLUMNS) {
		size_t all = strcspn(spec, ",");
		size_t name = strcspn(spec, "=,");
		const char *title = name < all ? spec + name + 1 : spec;
		size_t title_n = name < all ? all - name - 1 : all;
		(void)snprintf(c[n].member, sizeof(c[n].member), "%.*s", (int)name, spec);
		(void)snprintf(c[n].title, sizeof(c[n].title), "%.*s", (int)title_n, title);
		for (char *p = c[n].title; *p != '\0'; p++)
			*p = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p == '_' ? ' ' : *p;
		c[n].width = table_width(c[n].title);
		n++;
		spec += all + (spec[all] == ',');
	}
	return n;
}

static const json_t *dotted(const json_t *row, const char *path)
{
	char part[64];

	while (row != NULL && *path != '\0') {
		size_t n = strcspn(path, ".");
		(void)snprintf(part, sizeof(part), "%.*s", (int)n, path);
		row = json_object_get(row, part);
		path += n + (path[n] == '.');
	}
	return row;
}

/* Cut to so many cells of the terminal, with an ellipsis. */
static void cut(struct buf *b, size_t max)
{
	mbstate_t state = {0};
	size_t width = 0, at = 0, n;
	wchar_t w;

	if (table_width(buf_str(b)) <= max)
		return;
	for (; at < b->n; at += n) {
		n = mbrtowc(&w, (const char *)b->p + at, b->n - at, &state);
		if (n == (size_t)-1 || n == (size_t)-2 || n == 0)
			break;
		size_t cells = (size_t)(wcwidth(w) > 0 ? wcwidth(w) : 0);
		if (width + cells >= max)
			break;
		width += cells;
	}
	b->n = at;
	buf_adds(b, "…");
}

static const char *color_of(const char *text)
{
	static const struct {
		const char *word, *color;
	} colors[] = {{"succeeded", "32"}, {"unchanged", "32"}, {"committed", "32"},
		{"enrolled", "32"}, {"up", "32"}, {"ok", "32"}, {"failed", "31"}, {"dead", "31"},
		{"down", "31"}, {"auth_hold", "31"}, {"suspended", "31"}, {"partial", "33"},
		{"deferred", "33"}, {"retry", "33"}, {"missed", "33"}, {"quarantine", "33"},
		{"attention", "31"}, {"skipped", "36"}, {"cancelled", "36"}, {"running", "34"},
		{"live", "34"}};

	for (size_t i = 0; i < array_len(colors); i++)
		if (strcmp(colors[i].word, text) == 0)
			return colors[i].color;
	return NULL;
}

static void put_cell(const struct cli *c, const char *text, size_t width, bool last, bool title)
{
	const char *color = c->color ? (title ? "1" : color_of(text)) : NULL;
	size_t have = table_width(text);

	if (color != NULL)
		(void)printf("\033[%sm%s\033[0m", color, text);
	else
		(void)fputs(text, stdout);
	if (!last)
		(void)printf("%*s", (int)(width > have ? width - have + 2 : 2), "");
}

/* Takes from the widest until the row fits the terminal. */
static void fit(struct column *col, size_t n, size_t terminal)
{
	for (;;) {
		size_t total = 0, widest = 0;
		for (size_t i = 0; i < n; i++) {
			total += col[i].width + (i > 0 ? 2 : 0);
			if (col[i].width > col[widest].width)
				widest = i;
		}
		if (n == 0 || total <= terminal || col[widest].width <= CELL_MIN)
			return;
		col[widest].width--;
	}
}

static void widths(const struct cli *c, const struct listing *t, struct column *col, size_t n)
{
	struct buf b = BUF_INIT;

	for (size_t r = 0; r < t->n; r++)
		for (size_t i = 0; i < n; i++) {
			buf_reset(&b);
			t->cell(t->arg, r, col[i].member, &b);
			col[i].width = size_max(col[i].width, table_width(buf_str(&b)));
		}
	buf_fini(&b);
	for (size_t i = 0; c->tty && !c->wide && i < n; i++)
		col[i].width = size_min(col[i].width, CELL_MAX);
	if (c->tty && !c->wide && c->terminal > 0)
		fit(col, n, c->terminal);
}

void table_rows(const struct cli *c, const struct listing *t)
{
	struct column col[COLUMNS];
	size_t n = parse_columns(col, 0, t->columns);
	struct buf b = BUF_INIT;

	if (c->wide)
		n = parse_columns(col, n, t->wide);
	widths(c, t, col, n);
	for (size_t i = 0; i < n; i++)
		put_cell(c, col[i].title, col[i].width, i + 1 == n, true);
	(void)putchar('\n');
	for (size_t r = 0; r < t->n; r++) {
		for (size_t i = 0; i < n; i++) {
			buf_reset(&b);
			t->cell(t->arg, r, col[i].member, &b);
			cut(&b, col[i].width);
			put_cell(c, buf_str(&b), col[i].width, i + 1 == n, false);
		}
		(void)putchar('\n');
	}
	buf_fini(&b);
}

static void json_cell(const void *arg, size_t row, const char *path, struct buf *out)
{
	const char *dot = strrchr(path, '.');

	table_value(out, dot == NULL ? path : dot + 1, dotted(json_array_get(arg, row), path));
}

void table_print(const struct cli *c, const json_t *rows, const char *columns, const char *wide)
{
	const struct listing t = {columns, wide, json_array_size(rows), json_cell, rows};

	table_rows(c, &t);
}

static bool is_table(const json_t *value)
{
	return json_is_array(value) && json_is_object(json_array_get(value, 0));
}

/* A list of objects stands below the object, as a table with the members of its first row. */
static void print_inner(const struct cli *c, const char *name, const json_t *rows)
{
	struct buf columns = BUF_INIT;
	const char *member;
	json_t *value;

	json_object_foreach(json_array_get(rows, 0), member, value)
	{
		if (!is_table(value))
			buf_addf(&columns, "%s%s", columns.n > 0 ? "," : "", member);
	}
	(void)printf("\n%s\n", name);
	table_print(c, rows, buf_str(&columns), NULL);
	buf_fini(&columns);
}

static void print_member(const struct cli *c, const char *name, const json_t *value, int width)
{
	struct buf b = BUF_INIT;

	table_value(&b, name, value);
	const char *color = c->color ? color_of(buf_str(&b)) : NULL;
	if (color != NULL)
		(void)printf("%-*s  \033[%sm%s\033[0m\n", width, name, color, buf_str(&b));
	else
		(void)printf("%-*s  %s\n", width, name, buf_str(&b));
	buf_fini(&b);
}

void table_object(const struct cli *c, const json_t *object)
{
	json_t *o = json_deep_copy(object);
	const char *name;
	json_t *value;
	size_t width = 0;

	json_object_foreach(o, name, value)
	{
		if (!is_table(value))
			width = size_max(width, strlen(name));
	}
	json_object_foreach(o, name, value)
	{
		if (!is_table(value))
			print_member(c, name, value, (int)width);
	}
	json_object_foreach(o, name, value)
	{
		if (is_table(value))
			print_inner(c, name, value);
	}
	json_decref(o);
}
