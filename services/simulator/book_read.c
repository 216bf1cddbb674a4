// SPDX-License-Identifier: Apache-2.0
/* A list from a file, as the machine takes it: `.abk` text (address-books.md 4.2), cut and dropped
 * where it does not fit, without a word. */
#include <stdlib.h>
#include <string.h>

#include "services/simulator/book.h"
#include "services/simulator/canon.h"

struct reading {
	const struct device *d;
	enum item item;
	struct sim_list *list;
	struct read_report *report;
	struct span text;
	size_t at;
	size_t room; /* entries that fit */
	bool utf8;   /* as the file says */
	/* the record that is being read */
	struct entry entry;
	struct canon_limits limit;
	size_t member_cap, more_cap;
	bool any;
};

/* ---- texts ---- */

static const uint16_t HIGH[32] = {0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6,
	0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178};

static void put_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_addc(out, (char)c);
	} else if (c < 0x800) {
		buf_addc(out, (char)(0xc0 | c >> 6));
		buf_addc(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_addc(out, (char)(0xe0 | c >> 12));
		buf_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_addc(out, (char)(0x80 | (c & 0x3f)));
	}
}

/* Control characters are taken out (import-export.md R23). */
static bool kept_out(uint8_t c)
{
	return (c < 0x20 && c != '\t') || c == 0x7f;
}

static const char *decode(struct reading *r, const char *p, size_t n)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)p[i];
		if (kept_out(c))
			continue;
		if (r->utf8 || c < 0x80)
			buf_addc(&out, (char)c);
		else
			put_utf8(&out, c >= 0xa0 ? c : HIGH[c - 0x80] ? HIGH[c - 0x80] : '?');
	}
	char *s = arena_strndup(&r->list->arena, buf_str(&out), out.n);
	buf_fini(&out);
	bug_if(!s);
	return s;
}

/* The machine blanks a name that its own charset does not hold. */
static const char *held(struct reading *r, const char *s)
{
	struct buf out = BUF_INIT;
	bool fits = r->d->model->utf8 || cp1252_encode(s, &out);

	buf_fini(&out);
	r->report->blanked += !fits;
	return fits ? s : "";
}

static const char *cut(struct reading *r, const char *s, uint32_t limit)
{
	size_t n = strlen(s);

	if (!limit || n <= limit)
		return s;
	for (n = limit; n > 0 && ((uint8_t)s[n] & 0xc0) == 0x80; n--)
		; /* never half a character */
	r->report->cut++;
	return arena_strndup(&r->list->arena, s, n);
}

/* ---- one line ---- */

static const struct known {
	const char *name;
	size_t offset;
} KNOWN[] = {
	{"cn", offsetof(struct entry, name)},
	{"cnread", offsetof(struct entry, reading)},
	{"mailaddress", offsetof(struct entry, mail)},
	{"mail", offsetof(struct entry, mail)},
	{"dialdata", offsetof(struct entry, dial)},
	{"url", offsetof(struct entry, host)},
	{"uri", offsetof(struct entry, host)},
	{"path", offsetof(struct entry, path)},
	{"protocol", offsetof(struct entry, protocol)},
	{"username", offsetof(struct entry, user)},
	{"pwd", offsetof(struct entry, password)},
};

static bool take_kind(struct reading *r, const char *value)
{
	static const char *const KINDS[KIND_COUNT] = {
		"email", "g3fax", "ifax", "ipfax", "remotefilesystem", "groupfids"};

	for (int i = 0; i < KIND_COUNT; i++) {
		if (strcmp(value, KINDS[i]) == 0) {
			r->entry.kind = (enum entry_kind)i;
			return true;
		}
	}
	return strcmp(value, "top") == 0 || strcmp(value, "extensibleobject") == 0;
}

static void take_member(struct reading *r, const char *value)
{
	struct entry *e = &r->entry;

	if (e->n_members == r->member_cap) {
		size_t cap = r->member_cap ? r->member_cap * 2 : 8;
		uint32_t *more = arena_array(&r->list->arena, cap, sizeof(*more));
		bug_if(!more);
		if (e->n_members)
			memcpy(more, e->members, e->n_members * sizeof(*more));
		e->members = more;
		r->member_cap = cap;
	}
	e->members[e->n_members++] = (uint32_t)strtoul(value, NULL, 10);
}

static void take_more(struct reading *r, const char *name, const char *value)
{
	struct entry *e = &r->entry;

	if (e->n_more == r->more_cap) {
		size_t cap = r->more_cap ? r->more_cap * 2 : 4;
		struct entry_line *more = arena_array(&r->list->arena, cap, sizeof(*more));
		bug_if(!more);
		if (e->n_more)
			memcpy(more, e->more, e->n_more * sizeof(*more));
		e->more = more;
		r->more_cap = cap;
	}
	e->more[e->n_more++] = (struct entry_line){.name = name, .value = value};
}

/* false = the machine does not understand the line. */
static bool take_line(struct reading *r, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	size_t name_n = colon ? (size_t)(colon - line) : 0;

	if (name_n == 0 || colon + 1 == line + n || colon[1] == ':' || colon[1] == '<')
		return name_n > 0 && colon + 1 == line + n; /* "attr:" alone is empty */
	const char *name = arena_strndup(&r->list->arena, line, name_n);
	size_t skip = name_n + 1 + (colon[1] == ' ');
	const char *value = decode(r, line + skip, n - skip);
	bug_if(!name);
	r->any = true;
	if (strcmp(name, "objectclass") == 0)
		return take_kind(r, value);
	if (strcmp(name, "dn") == 0)
		r->entry.number = (uint32_t)strtoul(value, NULL, 10);
	else if (strcmp(name, "member") == 0)
		take_member(r, value);
	else if (strcmp(name, "subdbid") != 0) {
		for (size_t i = 0; i < array_len(KNOWN); i++) {
			if (strcmp(KNOWN[i].name, name) == 0) {
				const char **field = (const char **)(void *)((char *)&r->entry +
									     KNOWN[i].offset);
				*field = value;
				return true;
			}
		}
		take_more(r, name, value);
	}
	return true;
}

/* ---- one record ---- */

static bool all_members_there(const struct reading *r)
{
	for (size_t i = 0; i < r->entry.n_members; i++)
		if (!book_find(r->list, r->entry.members[i]))
			return false;
	return r->entry.n_members > 0;
}

/* A number that is taken or not of this list becomes the next free one. */
static uint32_t number_of(const struct reading *r)
{
	bool touch = r->item == ITEM_ONE_TOUCH;
	uint32_t n = r->entry.number, first = touch ? 1 : 201;

	if (r->d->model->type == TYPE_I && (n < first || (touch && n > ONE_TOUCH_MAX)))
		n = first;
	while (book_find(r->list, n))
		n++;
	return n;
}

static void end_record(struct reading *r)
{
	const struct canon_limits *limit = &r->limit;
	struct entry *e = &r->entry;

	if (!r->any)
		return;
	r->report->records++;
	if (e->kind == KIND_GROUP && !all_members_there(r)) {
		r->report->groups++;
	} else if (r->list->n >= r->room) {
		r->report->dropped++;
	} else {
		e->number = number_of(r);
		e->name = cut(r, held(r, e->name ? e->name : ""), limit->name);
		e->reading = cut(r, held(r, e->reading ? e->reading : ""), limit->name);
		e->mail = e->mail ? cut(r, e->mail, limit->mail) : NULL;
		e->path = e->path ? cut(r, held(r, e->path), limit->path) : NULL;
		e->n_members = size_min(e->n_members, limit->members);
		r->list->entries[r->list->n++] = *e;
	}
	r->entry = (struct entry){.number = 0};
	r->member_cap = r->more_cap = 0;
	r->any = false;
}

/* ---- the file ---- */

static bool next_line(struct reading *r, const char **ret, size_t *ret_n)
{
	const char *p = (const char *)r->text.p + r->at;
	const char *end = r->at < r->text.n ? memchr(p, '\n', r->text.n - r->at) : NULL;
	size_t n = end ? (size_t)(end - p) : r->text.n - r->at;

	if (r->at >= r->text.n)
		return false;
	r->at += n + (end != NULL);
	*ret = p;
	*ret_n = n > 0 && p[n - 1] == '\r' ? n - 1 : n;
	return true;
}

static bool starts(const char *line, size_t n, const char *with)
{
	return n >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

static void take_heading(struct reading *r, const char *line, size_t n)
{
	static const char CHARSET[] = "# CharSet: ", NAME[] = "# SubAddressBookName: ";

	if (starts(line, n, CHARSET))
		r->utf8 = n == sizeof(CHARSET) - 1 + 5; /* UTF-8, WCP1252 */
	else if (starts(line, n, NAME))
		r->list->name = held(r, decode(r, line + sizeof(NAME) - 1, n - (sizeof(NAME) - 1)));
}

static size_t count_records(struct span text)
{
	size_t n = 1;

	for (size_t i = 0; i + 3 < text.n; i++)
		n += memcmp(text.p + i, "\r\n\r\n", 4) == 0 || memcmp(text.p + i, "\n\n", 2) == 0;
	return n;
}

static void read_records(struct reading *r)
{
	const char *line;
	size_t n;

	while (next_line(r, &line, &n)) {
		if (n == 0)
			end_record(r);
		else if (line[0] == '#')
			take_heading(r, line, n);
		else if (!take_line(r, line, n)) {
			r->report->torn = true;
			return;
		}
	}
	r->report->torn = r->any; /* no blank line at the end: the file was cut */
}

struct sim_list *book_read(const struct device *d, enum item item, struct span text, size_t room,
	struct read_report *ret)
{
	struct reading r = {.d = d,
		.item = item,
		.report = ret,
		.text = text,
		.room = room,
		.limit = canon_limits(d)};

	*ret = (struct read_report){.records = 0};
	if (!starts((const char *)text.p, text.n, "# Canon AddressBook version: "))
		return NULL;
	r.list = sim_list_new(count_records(text));
	read_records(&r);
	return r.list;
}
