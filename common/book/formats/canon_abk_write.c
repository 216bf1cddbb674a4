// SPDX-License-Identifier: Apache-2.0
/* Canon address list text written, fresh or over the file it came from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/book/engines/proof.h"
#include "common/book/engines/words.h"
#include "common/book/formats/abk.h"
#include "common/book/formats/canon.h"
#include "common/book/formats/canon_abk.h"
#include "common/text/utf8.h"
#include "gen/errors.h"

struct abk_writer {
	struct lines_writer w;
	enum charset charset;
};

static struct abk_writer *own(struct lines_writer *w)
{
	return container_of(w, struct abk_writer, w);
}

/* ---- what a record says ---- */

static const struct line *line_of(const struct record *r, const char *name)
{
	for (uint32_t i = 0; r && i < r->n; i++)
		if (r->line[i].kind == LINE_TEXT && r->line[i].name.n == strlen(name) &&
			ascii_same_n((const char *)r->line[i].name.p, name, strlen(name)))
			return &r->line[i];
	return NULL;
}

/* A boolean in the style of the line it replaces (AB-13). */
static const char *spelled(struct lines_writer *w, const struct abk_attr *a, const char *value,
	const struct line *old, struct arena *arena)
{
	const char *word = a->word ? bool_read(value) : NULL;
	const char *found = old ? abk_text(abk_value(old), own(w)->charset, arena) : NULL;

	return word ? bool_like(found ? found : "", a->word, strcmp(word, "true") == 0) : value;
}

static void say_attr(struct lines_writer *w, const struct abk_attr *a, const struct book_entry *e,
	const struct record *old, struct saids *ret)
{
	const struct book_dest *d = e->n_dests ? &e->dest[0] : NULL;
	const struct line *line = line_of(old, a->name);
	bool mail = a->field == F_ADDRESS && !line && line_of(old, "mail");
	const char *value = NULL;

	if (a->kinds & 1u << DEST_NONE)
		value = fields_get(&e->f, a->field);
	else if (d && (a->kinds & 1u << d->kind))
		value = fields_get(&d->f, a->field);
	else
		return;
	if (!value && !a->always)
		return;
	saids_add(ret, mail ? "mail" : a->name,
		value ? spelled(w, a, value, line, ret->arena) : a->always);
	saids_last(ret)->implied = !value && old;
}

static void secret_needed(struct lines_writer *w, const struct book_entry *e)
{
	const struct ledger_line line = {.action = LEDGER_SECRET_NEEDED,
		.list = w->list->slot,
		.key = e->key,
		.name = entry_name(e),
		.field = "secret",
		.reason = "the password is not written; it must be typed again"};

	ledger_add(w->e->ledger, &line);
}

/* What nobody could tell stays as it is; a clear one that is not in the file already needs the
 * right to be seen. */
static void say_secret(struct lines_writer *w, const struct book_entry *e, const struct record *old,
	struct saids *ret)
{
	const struct book_dest *d = e->n_dests ? &e->dest[0] : NULL;
	const struct line *l = line_of(old, "pwd");
	const char *is = l ? abk_text(abk_value(l), own(w)->charset, ret->arena) : NULL;
	const char *value = NULL;

	if (!d)
		return;
	if (d->secret.state == SECRET_CLEAR)
		value = d->secret.text;
	else if (d->secret.state == SECRET_ABSENT)
		value = d->kind == DEST_FILE ? "" : NULL;
	else if (d->secret.state != SECRET_ENCRYPTED)
		value = is;
	if (!w->e->reveal_secrets && value && *value && !(is && strcmp(is, value) == 0))
		value = NULL;
	if (!value && (d->secret.state == SECRET_CLEAR || d->secret.state == SECRET_ENCRYPTED))
		secret_needed(w, e);
	if (!value)
		return;
	saids_add(ret, "pwd", value);
	saids_last(ret)->implied = old && !*value;
}

static bool attribute_name(const char *s)
{
	size_t n = 0;

	while (ascii_alpha(s[n]) || ascii_digit(s[n]) || (s[n] && strchr("-_.;", s[n])))
		n++;
	return n > 0 && n <= ABK_NAME_MAX && (s[n] == 0 || (s[n] == ':' && s[n + 1] == 0));
}

static void say_extra(struct lines_writer *w, const struct book_entry *e,
	const struct book_extra *x, struct saids *ret)
{
	size_t n = strlen(x->name);
	bool base64 = n > 0 && x->name[n - 1] == ':';
	const struct ledger_line lost = {.action = LEDGER_DROPPED,
		.list = w->list->slot,
		.key = e->key,
		.name = entry_name(e),
		.field = x->name,
		.before = x->value,
		.reason = "no attribute of a Canon list can have this name"};

	if (!attribute_name(x->name)) {
		ledger_add(w->e->ledger, &lost);
		return;
	}
	saids_add(ret, base64 ? arena_strndup(ret->arena, x->name, n - 1) : x->name, x->value);
	saids_last(ret)->base64 = base64;
	saids_last(ret)->folded = strchr(x->value, '\n');
}

/* A record without any class is none. */
static bool needs_top(const struct book_entry *e, const struct record *old)
{
	bool has = false;

	for (uint32_t i = 0; i < old->n; i++)
		has |= abk_silent(&old->line[i]);
	for (uint32_t i = 0; i < e->n_extras; i++)
		has |= ascii_same(e->extra[i].name, "objectclass");
	return !has && !canon_class(e);
}

/* The first class says what an entry is: others stand behind it. */
static void say_extras(
	struct lines_writer *w, const struct book_entry *e, bool classes, struct saids *ret)
{
	for (uint32_t i = 0; i < e->n_extras; i++)
		if (ascii_same(e->extra[i].name, "objectclass") == classes)
			say_extra(w, e, &e->extra[i], ret);
}

static void say(struct lines_writer *w, const struct book_list *l, const struct book_entry *e,
	const struct record *old, struct saids *ret)
{
	enum dest_kind kind = e->n_dests ? e->dest[0].kind : DEST_NONE;
	const char *class = canon_class(e);

	if (l->slot[0])
		saids_add(ret, "subdbid", l->slot);
	for (size_t i = 0; i < ABK_N_ATTRS; i++)
		say_attr(w, &ABK_ATTRS[i], e, old, ret);
	say_secret(w, e, old, ret);
	if (kind == DEST_EMAIL || kind == DEST_IFAX) {
		saids_add(ret, "protocol", "smtp");
		saids_last(ret)->implied = old;
	}
	say_extras(w, e, false, ret);
	if (!old || needs_top(e, old))
		saids_add(ret, "objectclass", "top");
	if (!old)
		saids_add(ret, "objectclass", "extensibleobject");
	if (class)
		saids_add(ret, "objectclass", class);
	say_extras(w, e, true, ret);
}

/* ---- one line ---- */

static int refused(struct lines_writer *w, int code, const char *reason, const char *text)
{
	const struct book_entry *e = w->entry;

	if (e)
		fault_why(w->e->fault, code, reason, "list %.20s, entry %.40s (%.80s): %s",
			w->list->slot, e->key, entry_name(e), text);
	else
		fault_why(w->e->fault, code, reason, "list %.20s: %s", w->list ? w->list->slot : "",
			text);
	utf8_scrub(w->e->fault->detail); /* what %.20s cut through */
	return -1;
}

static int put_text(struct lines_writer *w, const char *name, const char *text)
{
	const struct span s = {(const uint8_t *)text, strlen(text)};
	char what[120];
	size_t at;
	uint32_t cp;

	if (charset_encode(own(w)->charset, s, w->e->out, &at) == 0)
		return 0;
	if (utf8_read(s.p + at, s.n - at, &cp) == 0)
		return refused(w, CN_CHARSET_ERROR, "utf8", "a text that is not valid UTF-8");
	snprintf(what, sizeof(what), "character U+%04X in %.40s is not in %s", cp, name,
		charset_name(own(w)->charset));
	return refused(w, CN_CHARSET_ERROR, "charset", what);
}

/* "a\n b" in the line ends of the file. */
static int put_folded(struct lines_writer *w, const struct said *s)
{
	struct buf b = BUF_INIT;
	const char *p = s->value;
	int r;

	for (; *p; p++) {
		if (*p == '\n' && w->crlf)
			buf_addc(&b, '\r');
		buf_addc(&b, *p);
	}
	r = put_text(w, s->name, buf_str(&b));
	buf_fini(&b);
	return r;
}

static bool broken(const struct said *s)
{
	const char *p = s->value;

	while ((p = strpbrk(p, "\r\n"))) {
		if (!s->folded || *p == '\r' || p[1] != ' ')
			return true;
		p++;
	}
	return false;
}

static int put(struct lines_writer *w, const struct said *s, const struct line *old)
{
	bool crlf = w->crlf;
	int r;

	if (broken(s))
		return refused(w, CN_UNSUPPORTED_OPERATION, "line_break",
			"a value with a line break cannot be written into a Canon list");
	if (old)
		buf_add(w->e->out, old->name.p, old->name.n);
	else
		buf_adds(w->e->out, s->name);
	buf_adds(w->e->out, s->base64 ? ":: " : ": ");
	if (old)
		w->crlf = old->crlf;
	r = s->folded ? put_folded(w, s) : put_text(w, s->name, s->value);
	lines_end(w);
	w->crlf = crlf;
	return r;
}

static bool says(struct lines_writer *w, const struct line *l, const struct said *s)
{
	const char *text;

	if ((l->kind == LINE_BASE64) != s->base64 || l->folded != s->folded)
		return false;
	if (l->folded) {
		text = abk_folded(l, &w->arena);
		if (text)
			text = abk_text((struct span){(const uint8_t *)text, strlen(text)},
				own(w)->charset, &w->arena);
	} else {
		text = abk_text(abk_value(l), own(w)->charset, &w->arena);
	}
	return text && strcmp(text, s->value) == 0;
}

/* ---- preambles ---- */

static const char *label(enum charset c)
{
	return c == CHARSET_CP1252 ? "WCP1252" : c == CHARSET_CP932 ? "SJIS" : charset_name(c);
}

static const char *meta(const struct lines_writer *w, const char *name, const char *otherwise)
{
	const struct book *b = w->base ? w->base : w->e->book;
	const char *value = strcmp(b->codec, "canon_abk") == 0 ? book_meta(b, name) : "";

	return *value ? value : otherwise;
}

static int put_comment(struct lines_writer *w, const char *key, const char *value)
{
	if (strpbrk(value, "\r\n"))
		return refused(w, CN_UNSUPPORTED_OPERATION, "line_break",
			"a line break in what is said of the whole list");
	buf_addf(w->e->out, "# %s: ", key);
	if (put_text(w, key, value) < 0)
		return -1;
	lines_end(w);
	return 0;
}

static int open_list(struct lines_writer *w, const struct book_list *l)
{
	if (l->slot[strspn(l->slot, "0123456789")])
		return refused(
			w, CN_UNSUPPORTED_OPERATION, "list", "a Canon list has a number, 1 to 11");
	lines_close(w);
	if (put_comment(w, "Canon AddressBook version", meta(w, "version", "1")) < 0 ||
		put_comment(w, "CharSet", label(own(w)->charset)) < 0 ||
		put_comment(w, "SubAddressBookName", l->name) < 0 ||
		put_comment(w, "DB Version", meta(w, "db_version", "0x0108")) < 0)
		return -1;
	lines_end(w);
	w->closed = true;
	return 0;
}

/* The list of the base that a record is in. */
static const struct book_list *list_of(struct lines_writer *w, const struct record *r)
{
	const char *slot = abk_text(abk_slot(r), own(w)->charset, &w->arena);

	return slot ? lines_was(w, slot) : NULL;
}

struct section {
	const struct book_list *named; /* of the base: the one that this preamble names, or NULL */
	bool stays;
};

/* What follows a preamble: whose is it, and is anything of it still wanted? */
static struct section look_ahead(struct lines_writer *w, const struct record *preamble)
{
	struct lines l = {.file = w->e->base, .arena = &w->arena};
	struct record r = {.line = NULL};
	struct section s = {.named = NULL};
	struct span value;
	bool first = true;

	l.at = (size_t)(preamble->whole.p + preamble->whole.n - l.file.p);
	while (!s.stays && lines_record(&l, &r)) {
		const struct book_list *was;

		if (!r.attributes &&
			abk_comment(r.line[0].name, "Canon AddressBook version", &value))
			break;
		was = r.attributes ? list_of(w, &r) : NULL;
		if (first && was && was->entry[0].at.offset == (size_t)(r.whole.p - l.file.p))
			s.named = was;
		first &= !was;
		s.stays = was && lines_is(w, was->slot);
	}
	if (first) {
		s.named = lines_was(w, "");
		s.stays = !s.named || lines_is(w, "");
	}
	free(r.line);
	return s;
}

static int rename_list(struct lines_writer *w, const struct record *r, const char *name)
{
	const struct span last = r->line[r->n - 1].whole;
	const uint8_t *rest = last.p + last.n, *end = r->whole.p + r->whole.n;
	struct span value;
	bool done = false;

	for (uint32_t i = 0; i < r->n; i++) {
		const struct line *l = &r->line[i];

		if (done || !abk_comment(l->name, "SubAddressBookName", &value)) {
			buf_add(w->e->out, l->whole.p, l->whole.n);
		} else if (put_comment(w, "SubAddressBookName", name) < 0) {
			return -1;
		} else {
			done = true;
		}
	}
	if (!done && put_comment(w, "SubAddressBookName", name) < 0)
		return -1;
	buf_add(w->e->out, rest, (size_t)(end - rest));
	return 0;
}

static int other(struct lines_writer *w, const struct record *r)
{
	struct section s = {.stays = true};
	const struct book_list *is = NULL;
	struct span value;
	bool begins = false;

	for (uint32_t i = 0; i < r->n; i++) {
		begins |= abk_comment(r->line[i].name, "Canon AddressBook version", &value);
		if (abk_comment(r->line[i].name, "CharSet", &value)) {
			const char *name = abk_text(value, CHARSET_UTF8, &w->arena);
			int c = name ? charset_named(name) : -1;
			if (c >= 0)
				own(w)->charset = (enum charset)c;
		}
	}
	if (begins)
		s = look_ahead(w, r);
	if (!s.stays)
		return 0;
	lines_close(w);
	w->closed = true;
	if (s.named)
		is = lines_is(w, s.named->slot);
	w->list = is;
	if (is && strcmp(is->name, s.named->name) != 0)
		return rename_list(w, r, is->name);
	buf_add(w->e->out, r->whole.p, r->whole.n);
	return 0;
}

static const struct lines_format FORMAT = {
	.say = say,
	.put = put,
	.other = other,
	.open = open_list,
	.says = says,
	.silent = abk_silent,
	.value = abk_value,
};

/* ---- the whole ---- */

static enum charset charset_of(const struct encoder *e)
{
	bool own_file = strcmp(e->book->codec, "canon_abk") == 0 && e->book->charset[0];
	int c = charset_named(own_file              ? e->book->charset
			      : e->profile->charset ? e->profile->charset
						    : "windows-1252");

	return c < 0 || c >= CHARSET_UTF16LE ? CHARSET_CP1252 : (enum charset)c;
}

/* One destination or none, and members only as bytes that came from such a file (4.2). */
static int inside(struct encoder *e)
{
	for (uint32_t i = 0; i < e->book->n_lists; i++) {
		for (uint32_t j = 0; j < e->book->list[i].n_entries; j++) {
			const struct book_entry *x = &e->book->list[i].entry[j];

			if (x->n_dests > 1 || x->n_members || x->n_tags)
				return fault_why(e->fault, CN_UNSUPPORTED_OPERATION, "no_place",
					"entry %.40s (%.80s) has what a Canon list cannot hold: "
					"several destinations, members or tags",
					x->key, entry_name(x));
		}
	}
	return 0;
}

/* Of these the ledger tells. */
static bool dropped(const void *arg, const char *extra)
{
	(void)arg;
	return !attribute_name(extra);
}

int abk_encode(struct encoder *e)
{
	const struct proof proof = {.codec = codec_named("canon_abk"), .unsaid = dropped};
	struct abk_writer x = {.w = {.e = e, .codec = proof.codec, .format = &FORMAT}};
	const struct book_list none = {.slot = "", .name = ""};
	size_t before = e->out->n;

	x.w.crlf = true;
	x.charset = e->base.n ? CHARSET_CP1252 : charset_of(e);
	if (inside(e) < 0 || lines_encode(&x.w) < 0)
		return -1;
	if (e->out->n == before && open_list(&x.w, &none) < 0)
		return -1;
	return e->out->err ? 0 : proof_written(&proof, e, before);
}
