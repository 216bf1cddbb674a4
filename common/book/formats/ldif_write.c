// SPDX-License-Identifier: Apache-2.0
/* LDIF written, fresh or over the file it came from. */
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/book/engines/proof.h"
#include "common/book/formats/ldif.h"
#include "common/crypto/crypto.h"
#include "common/text/utf8.h"
#include "gen/errors.h"

#define COLUMNS 76 /* octets of a line */

struct ldif_writer {
	struct lines_writer w;
	struct arena names;
	struct map dn;      /* by slot and key: the name of each entry as it will stand */
	struct map taken;   /* names, folded as a server compares them */
	struct map parents; /* of the base: list by the normal form of the name above its entries */
	const char *base;   /* below which new lists go */
};

static struct ldif_writer *own(struct lines_writer *w)
{
	return container_of(w, struct ldif_writer, w);
}

/* ---- names ---- */

static struct span key_of(struct buf *b, const struct book_list *l, const char *key)
{
	buf_reset(b);
	buf_adds(b, l->slot);
	buf_addc(b, 0);
	buf_adds(b, key);
	return buf_span(b);
}

static const char *dn_of(struct ldif_writer *x, const struct book_list *l, const char *key)
{
	struct buf b = BUF_INIT;
	struct span k = key_of(&b, l, key);
	const char *dn = map_get(&x->dn, k.p, k.n);

	buf_fini(&b);
	return dn;
}

/* False: another entry has it. */
static bool take(struct ldif_writer *x, const char *dn)
{
	struct buf b = BUF_INIT;
	bool is_free;

	dn_fold(dn, &b);
	is_free = !map_get(&x->taken, b.p, b.n);
	(void)map_put(&x->taken, b.p, b.n, x);
	buf_fini(&b);
	return is_free;
}

/* dn lives as long as the writer. */
static void set_dn(struct ldif_writer *x, const struct book_list *l, const struct book_entry *e,
	const char *dn)
{
	struct buf b = BUF_INIT;
	struct span k = key_of(&b, l, e->key);

	(void)map_put(&x->dn, k.p, k.n, (void *)(uintptr_t)dn);
	buf_fini(&b);
}

static void make_dn(struct ldif_writer *x, const struct book_list *l, const struct book_entry *e,
	const char *parent)
{
	struct buf plain = BUF_INIT, dn = BUF_INIT;

	buf_adds(&plain, "cn=");
	dn_add_value(entry_name(e), &plain);
	buf_addf(&dn, "%s,%s", buf_str(&plain), parent);
	if (!take(x, buf_str(&dn))) {
		buf_adds(&plain, "+uid=");
		dn_add_value(e->key, &plain);
		buf_reset(&dn);
		buf_addf(&dn, "%s,%s", buf_str(&plain), parent);
		(void)take(x, buf_str(&dn));
	}
	set_dn(x, l, e, arena_strdup(&x->names, buf_str(&dn)));
	buf_fini(&plain);
	buf_fini(&dn);
}

/* ou=<slot>,<base>; a flat book has no unit of its own. */
static const char *unit_of(struct ldif_writer *x, const struct book_list *l)
{
	struct buf b = BUF_INIT;
	char *dn;

	if (l->kind == LIST_FLAT && strcmp(l->slot, "1") == 0 && !*l->name)
		return x->base;
	buf_adds(&b, "ou=");
	dn_add_value(l->slot, &b);
	buf_addf(&b, ",%s", x->base);
	dn = arena_strdup(&x->names, buf_str(&b));
	buf_fini(&b);
	return dn ? dn : x->base;
}

/* The name of an entry of the base, as it stands there. */
static const char *old_dn(struct ldif_writer *x, const struct book_entry *e)
{
	struct lines l = {
		.file = x->w.e->base, .at = e->at.offset, .ldif = true, .arena = &x->names};
	struct line line = {.kind = LINE_COMMENT};
	const char *dn;

	while (line.kind == LINE_COMMENT)
		if (!lines_next(&l, &line))
			return "";
	dn = ldif_text(&line, &x->names);
	return dn ? dn : "";
}

static void note_parent(struct ldif_writer *x, struct book_list *l, const char *parent)
{
	struct buf b = BUF_INIT;

	dn_normal(parent, &b);
	(void)map_put(&x->parents, buf_str(&b), b.n, l);
	buf_fini(&b);
}

/* Those that keep their name keep its spelling, too. */
static void keep_names(struct ldif_writer *x, const struct book *base, const struct map *entries)
{
	struct buf b = BUF_INIT;

	for (uint32_t i = 0; i < base->n_lists; i++) {
		struct book_list *l = &base->list[i];

		for (uint32_t j = 0; j < l->n_entries; j++) {
			const struct book_entry *was = &l->entry[j], *is;
			const char *dn = old_dn(x, was);
			struct span k = key_of(&b, l, was->key);

			if (j == 0)
				note_parent(x, l, dn_parent(dn));
			is = map_get(entries, k.p, k.n);
			if (is && strcmp(entry_name(is), entry_name(was)) == 0) {
				(void)take(x, dn);
				set_dn(x, l, was, dn);
			}
		}
	}
	buf_fini(&b);
}

static void index_entries(const struct book *book, struct map *entries)
{
	struct buf b = BUF_INIT;

	for (uint32_t i = 0; i < book->n_lists; i++) {
		for (uint32_t j = 0; j < book->list[i].n_entries; j++) {
			struct book_entry *e = &book->list[i].entry[j];
			struct span k = key_of(&b, &book->list[i], e->key);

			(void)map_put(entries, k.p, k.n, e);
		}
	}
	buf_fini(&b);
}

static const char *parent_of(struct ldif_writer *x, const struct book_list *l)
{
	const struct book_list *was = lines_was(&x->w, l->slot);

	return was && was->n_entries ? dn_parent(old_dn(x, &was->entry[0])) : unit_of(x, l);
}

static void find_base(struct ldif_writer *x)
{
	const struct book *base = x->w.base;
	struct buf ou = BUF_INIT;

	for (uint32_t i = 0; base && i < base->n_lists; i++) {
		if (base->list[i].n_entries == 0)
			continue;
		x->base = dn_parent(old_dn(x, &base->list[i].entry[0]));
		if (dn_value(x->base, "ou", &ou))
			x->base = dn_parent(x->base);
		break;
	}
	buf_fini(&ou);
}

static void prepare(struct lines_writer *w)
{
	struct ldif_writer *x = own(w);
	const struct book *book = w->e->book;
	struct map entries = MAP_INIT;

	index_entries(book, &entries);
	find_base(x);
	if (w->base)
		keep_names(x, w->base, &entries);
	for (uint32_t i = 0; i < book->n_lists; i++) {
		const struct book_list *l = &book->list[i];
		const char *parent = l->n_entries ? parent_of(x, l) : "";

		for (uint32_t j = 0; j < l->n_entries; j++)
			if (!dn_of(x, l, l->entry[j].key))
				make_dn(x, l, &l->entry[j], parent);
	}
	map_fini(&entries);
}

/* ---- what a record says ---- */

static bool says_already(const struct record *old, const char *name)
{
	for (uint32_t i = 0; old && i < old->n; i++)
		if (ldif_named(&old->line[i], name) && ldif_value(&old->line[i]).n > 0)
			return true;
	return false;
}

static bool same_dn(const char *a, const char *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool same = *a && *b && dn_valid(a);

	if (same) {
		dn_fold(a, &x);
		dn_fold(b, &y);
		same = strcmp(buf_str(&x), buf_str(&y)) == 0;
	}
	buf_fini(&x);
	buf_fini(&y);
	return same;
}

/* Would it lead somewhere, though it shall not? */
static bool taken(struct ldif_writer *x, const char *dn)
{
	struct buf b = BUF_INIT;
	bool is;

	dn_fold(dn, &b);
	is = map_get(&x->taken, b.p, b.n);
	buf_fini(&b);
	return is;
}

/* A name that leads nowhere; what is none is wrapped into one. */
static const char *lost_dn(struct lines_writer *w, const char *text, struct arena *a)
{
	struct buf b = BUF_INIT;
	const char *dn;

	if (dn_valid(text) && text[dn_first(text)] == ',' && !taken(own(w), text))
		return text;
	buf_adds(&b, "cn=");
	dn_add_value(text, &b);
	dn = arena_strdup(a, buf_str(&b));
	buf_fini(&b);
	return dn ? dn : "";
}

/* The reference as it was written, where it still leads to the same entry. */
static const char *member_dn(struct lines_writer *w, const struct book_list *l,
	const struct book_member *m, bool was, struct arena *a)
{
	const char *dn = m->key ? dn_of(own(w), l, m->key) : NULL;

	if (m->key && was)
		return m->text;
	if (!dn)
		return lost_dn(w, m->key ? m->key : m->text, a);
	return same_dn(m->text, dn) ? m->text : dn;
}

static void say_members(struct lines_writer *w, const struct book_list *l,
	const struct book_entry *e, bool was, struct saids *ret)
{
	for (uint32_t i = 0; i < e->n_members; i++)
		saids_add(ret, "member", member_dn(w, l, &e->member[i], was, ret->arena));
	if (e->group && e->n_members == 0)
		saids_add(ret, "member", ""); /* the class demands one */
}

static void say_classes(const struct book_entry *e, const struct record *old, struct saids *ret)
{
	saids_add(ret, "objectClass", e->group ? "groupOfNames" : "inetOrgPerson");
	saids_last(ret)->implied = old;
	if (old)
		return;
	saids_add(ret, "objectClass", "top");
	saids_add(ret, "objectClass", e->group ? "uidObject" : "person");
	if (!e->group)
		saids_add(ret, "objectClass", "organizationalPerson");
}

static void say_implied(const char *attribute, const char *value, const struct book_entry *e,
	const struct record *old, struct saids *ret)
{
	for (uint32_t i = 0; i < e->n_extras; i++)
		if (ascii_same(e->extra[i].name, attribute))
			return;
	saids_add(ret, attribute, value);
	saids_last(ret)->implied = old;
}

static void say_name(const struct book_entry *e, const struct record *old, struct saids *ret)
{
	const char *name = entry_name(e), *space = strrchr(name, ' ');

	if (!*name)
		return;
	saids_add(ret, "cn", name);
	if (e->group)
		return;
	say_implied("sn", space && space[1] ? space + 1 : name, e, old, ret);
	say_implied("displayName", name, e, old, ret);
}

static void say_dests(const struct book_entry *e, struct saids *ret)
{
	static const struct {
		enum dest_kind kind;
		enum book_field field;
		const char *attribute;
	} PLAIN[] = {
		{DEST_EMAIL, F_ADDRESS, "mail"},
		{DEST_FAX, F_FAX_NUMBER, "facsimileTelephoneNumber"},
	};
	struct buf uri = BUF_INIT;

	for (size_t k = 0; k < array_len(PLAIN); k++)
		for (uint32_t i = 0; i < e->n_dests; i++)
			if (e->dest[i].kind == PLAIN[k].kind)
				saids_add(ret, PLAIN[k].attribute,
					fields_get(&e->dest[i].f, PLAIN[k].field));
	for (uint32_t i = 0; i < e->n_dests; i++) {
		if (e->dest[i].kind != DEST_FILE)
			continue;
		buf_reset(&uri);
		ldif_uri(&e->dest[i], &uri);
		saids_add(ret, "labeledURI", arena_strdup(ret->arena, buf_str(&uri)));
	}
	buf_fini(&uri);
}

static void say_extras(const struct book_entry *e, struct saids *ret)
{
	for (uint32_t i = 0; i < e->n_extras; i++) {
		const struct book_extra *x = &e->extra[i];
		size_t n = strlen(x->name);
		bool base64 = n > 0 && x->name[n - 1] == ':';

		saids_add(ret, base64 ? arena_strndup(ret->arena, x->name, n - 1) : x->name,
			x->value);
		saids_last(ret)->base64 = base64;
	}
}

static void say(struct lines_writer *w, const struct book_list *l, const struct book_entry *e,
	const struct record *old, struct saids *ret)
{
	bool was = old && e != w->entry;

	saids_add(ret, "dn", was ? ldif_dn(old, ret->arena) : dn_of(own(w), l, e->key));
	say_classes(e, old, ret);
	say_name(e, old, ret);
	say_dests(e, ret);
	if (!old || says_already(old, "uid"))
		saids_add(ret, "uid", e->key);
	say_members(w, l, e, was, ret);
	say_extras(e, ret);
}

static void say_list(const struct book_list *l, const struct record *old, struct saids *ret)
{
	if (*l->name)
		saids_add(ret, "description", l->name);
	saids_add(ret, "businessCategory", list_kind_name(l->kind));
	saids_last(ret)->implied = old;
}

/* ---- lines ---- */

static int refused(struct lines_writer *w, int code, const char *reason, const char *text)
{
	if (w->entry)
		fault_why(w->e->fault, code, reason, "entry %.40s (%.80s): %s", w->entry->key,
			entry_name(w->entry), text);
	else
		fault_why(w->e->fault, code, reason, "%s", text);
	utf8_scrub(w->e->fault->detail); /* what %.40s cut through */
	return -1;
}

/* RFC 2849: what may stand as it is. */
static bool safe(const char *s)
{
	size_t n = strlen(s);

	if (n == 0)
		return true;
	if (strchr(" :<", s[0]) || s[n - 1] == ' ')
		return false;
	for (size_t i = 0; i < n; i++)
		if ((uint8_t)s[i] >= 0x80 || s[i] == '\n' || s[i] == '\r')
			return false;
	return true;
}

/* All of it is ASCII: a fold cuts through no character. */
static void put_folded(struct lines_writer *w, const struct buf *line)
{
	size_t n = size_min(line->n, COLUMNS);

	buf_add(w->e->out, line->p, n);
	for (size_t i = n; i < line->n; i += n) {
		lines_end(w);
		n = size_min(line->n - i, COLUMNS - 1);
		buf_addc(w->e->out, ' ');
		buf_add(w->e->out, line->p + i, n);
	}
	lines_end(w);
}

static int put(struct lines_writer *w, const struct said *s, const struct line *old)
{
	const struct span value = {(const uint8_t *)s->value, strlen(s->value)};
	bool crlf = w->crlf;
	struct buf line = BUF_INIT;

	if (value.n > BOOK_FIELD_MAX / 4 * 3)
		return refused(w, CN_RESPONSE_TOO_BIG, "field", "a value of more than 48 KiB");
	if (old)
		buf_add(&line, old->name.p, old->name.n);
	else
		buf_adds(&line, s->name);
	if (s->base64 || safe(s->value)) {
		buf_addf(&line, s->base64 ? "::" : ":");
		buf_addf(&line, "%s%s", value.n ? " " : "", s->value);
	} else {
		buf_adds(&line, ":: ");
		base64_encode(value, &line);
	}
	w->crlf = old ? old->crlf : crlf;
	put_folded(w, &line);
	w->crlf = crlf;
	buf_fini(&line);
	return 0;
}

static bool says(struct lines_writer *w, const struct line *l, const struct said *s)
{
	const char *text = ldif_text(l, &w->arena);
	struct span v = ldif_value(l);

	if (s->base64)
		return l->kind == LINE_BASE64 && v.n == strlen(s->value) &&
		       memcmp(v.p, s->value, v.n) == 0;
	return text && strcmp(text, s->value) == 0;
}

/* ---- what is no entry ---- */

/* The list of the base whose unit that is. */
static struct book_list *list_of_unit(struct lines_writer *w, const char *dn)
{
	struct buf b = BUF_INIT;
	struct book_list *l;

	dn_normal(dn, &b);
	l = map_get(&own(w)->parents, buf_str(&b), b.n);
	buf_reset(&b);
	if (!l && dn_value(dn, "ou", &b)) {
		l = lines_was(w, buf_str(&b));
		if (l && l->n_entries)
			l = NULL;
	}
	buf_fini(&b);
	return l;
}

static bool is_unit(const struct record *r)
{
	for (uint32_t i = 0; i < r->n; i++) {
		struct span v = ldif_value(&r->line[i]);

		if (ldif_named(&r->line[i], "objectClass") && v.n == strlen("organizationalUnit") &&
			ascii_same_n((const char *)v.p, "organizationalUnit", v.n))
			return true;
	}
	return false;
}

static int change_unit(struct lines_writer *w, const struct record *r, const struct book_list *was,
	const struct book_list *is)
{
	struct saids before = {.arena = &w->arena}, after = {.arena = &w->arena};
	int rc;

	say_list(was, r, &before);
	say_list(is, r, &after);
	rc = lines_change(w, r, &before, &after);
	free(before.v);
	free(after.v);
	return rc;
}

static int other(struct lines_writer *w, const struct record *r)
{
	const char *dn = r->attributes && is_unit(r) ? ldif_dn(r, &w->arena) : NULL;
	const struct book_list *was = dn ? list_of_unit(w, dn) : NULL;
	const struct book_list *is = was ? lines_is(w, was->slot) : NULL;
	const struct span *out = &r->whole;

	if (was && !is)
		return 0;
	if (is)
		return change_unit(w, r, was, is);
	lines_close(w);
	buf_add(w->e->out, out->p, out->n);
	/* comments and the version may stand right before a record */
	w->closed = r->closed || ((!r->attributes || r->n == 1) && out->p[out->n - 1] == '\n');
	return 0;
}

static int put_unit(struct lines_writer *w, const char *dn, const struct book_list *l)
{
	struct saids s = {.arena = &w->arena};
	int rc;

	saids_add(&s, "dn", dn);
	saids_add(&s, "objectClass", "top");
	saids_add(&s, "objectClass", "organizationalUnit");
	saids_add(&s, "ou", l->slot);
	say_list(l, NULL, &s);
	rc = lines_fresh(w, &s);
	free(s.v);
	return rc;
}

static int open_list(struct lines_writer *w, const struct book_list *l)
{
	const char *dn = unit_of(own(w), l);

	return dn == own(w)->base ? 0 : put_unit(w, dn, l);
}

static int put_head(struct lines_writer *w)
{
	static const char HEAD[] = "version: 1\n\n"
				   "dn: " LDIF_BASE "\n"
				   "objectClass: top\n"
				   "objectClass: organization\n"
				   "o: Address Book\n\n";

	buf_adds(w->e->out, HEAD);
	return 0;
}

static const struct lines_format FORMAT = {
	.ldif = true,
	.prepare = prepare,
	.say = say,
	.put = put,
	.other = other,
	.open = open_list,
	.says = says,
	.silent = ldif_silent,
	.value = ldif_value,
};

/* ---- the whole ---- */

/* One without a name may come from a file, but no other is named by nothing. */
static bool has_place(const struct book_entry *x, bool over_base)
{
	bool good = !x->n_tags && (over_base || *entry_name(x));

	for (uint32_t k = 0; k < x->n_dests; k++)
		good &= x->dest[k].kind == DEST_EMAIL || x->dest[k].kind == DEST_FAX ||
			x->dest[k].kind == DEST_FILE;
	return good;
}

static int inside(struct encoder *e)
{
	for (uint32_t i = 0; i < e->book->n_lists; i++) {
		for (uint32_t j = 0; j < e->book->list[i].n_entries; j++) {
			const struct book_entry *x = &e->book->list[i].entry[j];

			if (!has_place(x, e->base.n > 0))
				return fault_why(e->fault, CN_UNSUPPORTED_OPERATION, "no_place",
					"entry %.40s has no name, or what LDIF cannot hold: tags, "
					"destinations but e-mail, fax and folders",
					x->key);
		}
	}
	return 0;
}

int ldif_encode(struct encoder *e)
{
	const struct proof proof = {.codec = codec_named("ldif"), .named = true};
	struct ldif_writer x = {
		.w = {.e = e, .codec = proof.codec, .format = &FORMAT}, .base = LDIF_BASE};
	size_t before = e->out->n;
	int rc = -1;

	arena_init(&x.names, 0);
	if (inside(e) == 0 && (e->base.n || put_head(&x.w) == 0))
		rc = lines_encode(&x.w);
	map_fini(&x.dn);
	map_fini(&x.taken);
	map_fini(&x.parents);
	arena_fini(&x.names);
	return rc < 0 || e->out->err ? rc : proof_written(&proof, e, before);
}
