// SPDX-License-Identifier: Apache-2.0
/* Folders as `labeledURI` (RFC 2079), with the label that says whose it is. */
#include <string.h>

#include "common/base/ascii.h"
#include "common/book/formats/ldif.h"
#include "common/text/utf8.h"

#define LABEL " carnet"

static void add_escaped(const char *s, const char *plain, struct buf *out)
{
	for (; *s; s++) {
		if (ascii_alpha(*s) || ascii_digit(*s) || strchr("-._~", *s) || strchr(plain, *s))
			buf_addc(out, *s);
		else
			buf_addf(out, "%%%02X", (uint8_t)*s);
	}
}

static void add_host(const char *host, struct buf *out)
{
	bool address = strchr(host, ':') && host[strspn(host, "0123456789abcdefABCDEF:.")] == 0;

	if (address)
		buf_addf(out, "[%s]", host);
	else
		add_escaped(host, "", out);
}

/* "file" stands for a protocol that is none or that no scheme can spell. */
static bool is_scheme(const char *s)
{
	return s && *s >= 'a' && *s <= 'z' && strcmp(s, "file") != 0 &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789+.-")] == 0;
}

static bool in_query(const struct field *f)
{
	if (f->id == F_PROTOCOL)
		return !is_scheme(f->value);
	return f->id != F_HOST && f->id != F_PORT && f->id != F_PATH && f->id != F_ACCOUNT;
}

void ldif_uri(const struct book_dest *d, struct buf *out)
{
	const char *protocol = fields_get(&d->f, F_PROTOCOL), *host = fields_get(&d->f, F_HOST);
	const char *account = fields_get(&d->f, F_ACCOUNT), *port = fields_get(&d->f, F_PORT);
	const char *path = fields_get(&d->f, F_PATH);
	char mark = '?';

	buf_addf(out, "%s://", is_scheme(protocol) ? protocol : "file");
	if (account) {
		add_escaped(account, "", out);
		buf_addc(out, '@');
	}
	if (host)
		add_host(host, out);
	if (port) {
		buf_addc(out, ':');
		add_escaped(port, "", out);
	}
	if (path) {
		buf_addc(out, '/');
		add_escaped(path, "/", out);
	}
	for (uint32_t i = 0; i < d->f.n; i++) {
		if (!in_query(&d->f.v[i]))
			continue;
		buf_addf(out, "%c%s=", mark, field_info(d->f.v[i].id)->name);
		add_escaped(d->f.v[i].value, "", out);
		mark = '&';
	}
	buf_adds(out, LABEL);
}

static int hex(char c)
{
	return ascii_digit(c) ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Sets a field from n escaped bytes; nothing for none. */
static void set(struct book *b, struct book_dest *d, enum book_field id, const char *s, size_t n)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		int high = s[i] == '%' && n - i > 2 ? hex(s[i + 1]) : -1;
		int low = high >= 0 ? hex(s[i + 2]) : -1;

		buf_addc(&text, low >= 0 ? (char)(high * 16 + low) : s[i]);
		i += low >= 0 ? 2 : 0;
	}
	if (utf8_valid(text.p, text.n) && strlen(buf_str(&text)) == text.n)
		book_set(b, &d->f, id, buf_str(&text));
	buf_fini(&text);
}

static void set_authority(struct book *b, struct book_dest *d, const char *s, size_t n)
{
	const char *at = memchr(s, '@', n), *colon;
	size_t host;

	if (at) {
		set(b, d, F_ACCOUNT, s, (size_t)(at - s));
		n -= (size_t)(at + 1 - s);
		s = at + 1;
	}
	if (n > 0 && s[0] == '[' && memchr(s, ']', n)) {
		host = (size_t)((const char *)memchr(s, ']', n) - s);
		set(b, d, F_HOST, s + 1, host - 1);
		host++;
	} else {
		colon = memchr(s, ':', n);
		host = colon ? (size_t)(colon - s) : n;
		set(b, d, F_HOST, s, host);
	}
	if (host + 1 < n && s[host] == ':')
		set(b, d, F_PORT, s + host + 1, n - host - 1);
}

static void set_query(struct book *b, struct book_dest *d, const char *s, const char *end)
{
	while (s < end) {
		const char *and = memchr(s, '&', (size_t)(end - s));
		const char *stop = and? and : end;
		const char *equals = memchr(s, '=', (size_t)(stop - s));
		const char *name = equals ? book_strn(b, s, (size_t)(equals - s)) : "";
		enum book_field id = field_named(name);

		if (id && (field_info(id)->kinds & 1u << DEST_FILE))
			set(b, d, id, equals + 1, (size_t)(stop - equals - 1));
		s = stop + 1;
	}
}

static void read_uri(const char *text, const char *end, struct book *b, struct book_dest *d)
{
	const char *authority = strstr(text, "://") + 3;
	const char *query = memchr(authority, '?', (size_t)(end - authority));
	const char *path_end = query ? query : end;
	const char *slash = memchr(authority, '/', (size_t)(path_end - authority));
	const char *protocol = book_strn(b, text, (size_t)(authority - 3 - text));

	if (is_scheme(protocol))
		book_set(b, &d->f, F_PROTOCOL, protocol);
	set_authority(b, d, authority, (size_t)((slash ? slash : path_end) - authority));
	if (slash)
		set(b, d, F_PATH, slash + 1, (size_t)(path_end - slash - 1));
	if (query)
		set_query(b, d, query + 1, end);
}

bool ldif_uri_read(const char *text, struct book *b, struct book_entry *e)
{
	size_t n = strlen(text), label = strlen(LABEL);
	struct buf again = BUF_INIT;
	struct book_dest *d;
	bool ours = false;

	if (n <= label || strcmp(text + n - label, LABEL) != 0 || !strstr(text, "://") ||
		strstr(text, "://") + 3 > text + n - label)
		return false;
	d = book_add_dest(b, e, DEST_FILE);
	read_uri(text, text + n - label, b, d);
	ldif_uri(d, &again);
	ours = strcmp(buf_str(&again), text) == 0 && d->f.n > 0;
	d->secret.state = SECRET_UNKNOWN;
	if (!ours && e->n_dests)
		book_remove_dest(e, &e->dest[e->n_dests - 1]);
	buf_fini(&again);
	return ours;
}
