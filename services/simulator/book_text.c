// SPDX-License-Identifier: Apache-2.0
/* A list as the device writes it: `.abk` text with CRLF, in the device's charset
 * (address-books.md 4.2). */
#include <string.h>

#include "services/simulator/book.h"

/* Windows-1252 80..9F; 0 = undefined there */
static const uint16_t HIGH[32] = {0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6,
	0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178};

static uint32_t next_char(const uint8_t **p)
{
	const uint8_t *s = *p;
	uint32_t c = *s++;
	int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

	c &= more == 3 ? 7u : more == 2 ? 15u : more == 1 ? 31u : 127u;
	while (more-- > 0 && (*s & 0xc0) == 0x80)
		c = c << 6 | (*s++ & 0x3f);
	*p = s;
	return c;
}

bool cp1252_encode(const char *text, struct buf *out)
{
	const uint8_t *p = (const uint8_t *)text;
	bool whole = true;

	while (*p) {
		uint32_t c = next_char(&p);
		int found = c < 0x80 || (c >= 0xa0 && c <= 0xff) ? (int)c : -1;
		for (int i = 0; found < 0 && i < 32; i++)
			if (HIGH[i] == c)
				found = 0x80 + i;
		if (found >= 0)
			buf_addc(out, (char)found);
		whole = whole && found >= 0;
	}
	return whole;
}

struct writer {
	struct buf *out;
	bool utf8;
};

static void put(const struct writer *w, const char *attribute, const char *value)
{
	buf_adds(w->out, attribute);
	buf_adds(w->out, ": ");
	if (w->utf8)
		buf_adds(w->out, value);
	else
		(void)cp1252_encode(value, w->out);
	buf_adds(w->out, "\r\n");
}

static void put_if(const struct writer *w, const char *attribute, const char *value)
{
	if (value)
		put(w, attribute, value);
}

static void put_number(const struct writer *w, const char *attribute, uint32_t n)
{
	buf_addf(w->out, "%s: %u\r\n", attribute, n);
}

/* What an import brought stands for what the machine writes by itself. */
static const char *more_of(const struct entry *e, const char *name, const char *otherwise)
{
	for (size_t i = 0; i < e->n_more; i++)
		if (strcmp(e->more[i].name, name) == 0)
			return e->more[i].value;
	return otherwise;
}

static void put_more(const struct writer *w, const struct entry *e)
{
	for (size_t i = 0; i < e->n_more; i++)
		if (strcmp(e->more[i].name, "enablepartial") != 0 &&
			strcmp(e->more[i].name, "accesscode") != 0)
			put(w, e->more[i].name, e->more[i].value);
}

static const char *const CLASS[KIND_COUNT] = {
	"email", "g3fax", "ifax", "ipfax", "remotefilesystem", "groupfids"};

static void put_entry(const struct writer *w, const struct entry *e, enum item item, bool secrets)
{
	put_number(w, "subdbid", item <= ITEM_ONE_TOUCH ? (uint32_t)item + 1 : 1);
	put_number(w, "dn", e->number);
	put(w, "cn", e->name);
	put(w, "cnread", e->reading ? e->reading : "");
	put_if(w, "mailaddress", e->mail);
	put_if(w, "dialdata", e->dial);
	put_if(w, e->kind == KIND_IPFAX ? "uri" : "url", e->host);
	put_if(w, "path", e->path);
	put_if(w, "username", e->user);
	if (secrets)
		put_if(w, "pwd", e->password);
	for (size_t i = 0; i < e->n_members; i++)
		put_number(w, "member", e->members[i]);
	if (e->kind == KIND_EMAIL || e->kind == KIND_IFAX)
		put(w, "enablepartial", more_of(e, "enablepartial", "false"));
	put_if(w, "protocol", e->protocol);
	put(w, "accesscode", more_of(e, "accesscode", "0"));
	put_more(w, e);
	put(w, "objectclass", "top");
	put(w, "objectclass", "extensibleobject");
	put(w, "objectclass", CLASS[e->kind]);
	buf_adds(w->out, "\r\n");
}

void book_text(const struct device *d, enum item item, bool secrets, struct buf *out)
{
	struct writer w = {.out = out, .utf8 = d->model->utf8};

	if (d->raw && d->raw[item].n) {
		buf_add(out, d->raw[item].p, d->raw[item].n);
		return;
	}
	struct sim_list *l = book_get(d, item);
	buf_adds(out, "# Canon AddressBook version: 1\r\n");
	buf_addf(out, "# CharSet: %s\r\n", w.utf8 ? "UTF-8" : "WCP1252");
	buf_adds(out, "# SubAddressBookName: ");
	if (w.utf8)
		buf_adds(out, l->name);
	else
		(void)cp1252_encode(l->name, out);
	buf_adds(out, "\r\n# DB Version: 0x0108\r\n\r\n");
	for (size_t i = 0; i < l->n; i++)
		put_entry(&w, &l->entries[i], item, secrets);
	if (l->n == 0)
		buf_adds(out, "\r\n");
	book_put_back(d, item, l);
}
