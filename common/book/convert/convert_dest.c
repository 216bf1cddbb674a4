// SPDX-License-Identifier: Apache-2.0
/* One destination for the target: its kind, protocol, folder, fields and secret. Pure. */
#include <string.h>

#include "common/book/convert/convert_priv.h"
#include "common/book/norm.h"

static bool has_word(const char *const *words, const char *word)
{
	for (; *words; words++)
		if (strcmp(*words, "*") == 0 || strcmp(*words, word) == 0)
			return true;
	return false;
}

static bool is_default(
	const struct book_profile *p, enum dest_kind kind, enum book_field field, const char *value)
{
	for (uint32_t i = 0; p && i < p->n_defaults; i++)
		if (p->defaults[i].kind == kind && p->defaults[i].field == field &&
			strcmp(p->defaults[i].value, value) == 0)
			return true;
	return false;
}

bool field_passes(struct conv *c, enum dest_kind kind, const struct field *f, const char *path)
{
	const struct field_info *info = field_info(f->id);
	const char *why = NULL;

	if (value_absent(c, f->id, f->value))
		return false;
	if (!c->codec->holds(kind, f->id))
		why = conv_fmt(c, "%s has no place for it", c->codec->title);
	else if (info->local && !c->same_family)
		why = conv_fmt(
			c, "a code of %s means nothing to %s", c->src->family, c->to->family);
	if (why && !is_default(c->from, kind, f->id, f->value))
		conv_note(c, LEDGER_DROPPED, conv_place(c, path, f->id), f->value, "", why);
	return why == NULL;
}

/* ---- folders ---- */

static void refold(struct conv *c, struct book_dest *d, enum book_field field, const char *path,
	const char *value)
{
	const char *before = fields_get(&d->f, field);
	static const char why[] = "the folder is said in another way";

	if ((before ? before : "") == value || strcmp(before ? before : "", value) == 0)
		return;
	conv_note(c, LEDGER_REMAPPED, conv_place(c, path, field), before, value, why);
	book_set(c->out, &d->f, field, value);
}

static const char *skip_slashes(const char *s)
{
	return s + strspn(s, "\\/");
}

static const char *joined(struct conv *c, const char *a, const char *b)
{
	b = skip_slashes(b);
	if (*a == '\0' || *b == '\0')
		return *a ? a : b;
	return conv_fmt(c, "%s\\%s", a, b);
}

static const char *get(const struct book_dest *d, enum book_field field)
{
	const char *v = fields_get(&d->f, field);

	return v ? v : "";
}

/* "\\host\share\path" to host and path. */
static void split_unc(struct conv *c, struct book_dest *d, const char *path)
{
	const char *p = get(d, F_PATH);
	const char *host = p + 2;

	if (*get(d, F_HOST) != '\0' || (strncmp(p, "\\\\", 2) != 0 && strncmp(p, "//", 2) != 0))
		return;
	size_t n = strcspn(host, "\\/");
	if (n == 0)
		return;
	const char *rest = conv_fmt(c, "%s", skip_slashes(host + n));
	refold(c, d, F_HOST, path, conv_fmt(c, "%.*s", (int)n, host));
	refold(c, d, F_PATH, path, rest);
}

static void split_share(struct conv *c, struct book_dest *d, const char *path)
{
	const char *p = skip_slashes(get(d, F_PATH));
	size_t n = strcspn(p, "\\/");

	if (*get(d, F_SHARE) != '\0' || n == 0)
		return;
	const char *rest = conv_fmt(c, "%s", skip_slashes(p + n));
	refold(c, d, F_SHARE, path, conv_fmt(c, "%.*s", (int)n, p));
	refold(c, d, F_PATH, path, rest);
}

static void join_unc(struct conv *c, struct book_dest *d, const char *path)
{
	const char *p;

	if (*get(d, F_HOST) == '\0' && *get(d, F_SHARE) == '\0')
		return; /* it is one path already */
	p = joined(c, get(d, F_SHARE), get(d, F_PATH));
	if (*get(d, F_HOST) != '\0')
		p = conv_fmt(c, "\\\\%s", joined(c, get(d, F_HOST), p));
	refold(c, d, F_HOST, path, "");
	refold(c, d, F_SHARE, path, "");
	refold(c, d, F_PATH, path, p);
}

/* Makers say an SMB folder as host and path, with the share apart, or as one path. */
static void say_smb(struct conv *c, struct book_dest *d, const char *path)
{
	enum profile_smb how = c->to->smb;

	if (how == SMB_UNC || (how == SMB_UNC_TOO && !c->same_family))
		join_unc(c, d, path);
	else if (how != SMB_UNC_TOO)
		split_unc(c, d, path);
	if (how == SMB_SHARE)
		split_share(c, d, path);
}

static void say_folder(struct conv *c, struct book_dest *d, const char *path)
{
	if (d->kind != DEST_FILE || c->to->neutral)
		return;
	if (strcmp(get(d, F_PROTOCOL), "smb") == 0)
		say_smb(c, d, path);
	if (*get(d, F_SHARE) != '\0' && !c->codec->holds(DEST_FILE, F_SHARE)) {
		const char *whole = joined(c, get(d, F_SHARE), get(d, F_PATH));
		refold(c, d, F_SHARE, path, "");
		refold(c, d, F_PATH, path, whole);
	}
}

/* ---- secrets ---- */

/* Where the account stands the password does; some of Canon's formats have one for every kind. */
static bool has_password(const struct conv *c, enum dest_kind kind)
{
	return (c->codec->flags & CODEC_SECRETS) != 0 &&
	       (c->same_family || c->codec->holds(kind, F_ACCOUNT));
}

static bool keeps_secret(struct conv *c, const struct book_dest *d, const char **why)
{
	const struct book_secret *s = &d->secret;

	switch (s->state) {
	case SECRET_CLEAR:
		*why = conv_fmt(c, "%s cannot carry this password", c->codec->title);
		return has_password(c, d->kind) && convert_text(c, s->text, why);
	case SECRET_ENCRYPTED: /* AB-5 */
		*why = "the cipher is the device's own";
		return c->same_codec || c->to->whole_model;
	case SECRET_WITHHELD:
		*why = "the device never says it";
		return c->same_family;
	case SECRET_ABSENT:
	case SECRET_UNKNOWN:
		break;
	}
	return true;
}

static void convert_secret(
	struct conv *c, struct book_dest *to, const struct book_dest *d, const char *path)
{
	const struct book_secret *s = &d->secret;
	const char *why = "";

	if (keeps_secret(c, d, &why)) {
		book_set_secret(c->out, to, s->state, s->text, s->scheme);
		return;
	}
	conv_note(c, LEDGER_SECRET_NEEDED, conv_fmt(c, "%s.secret", path), "", "", why);
	book_set_secret(c->out, to, SECRET_UNKNOWN, NULL, NULL);
}

/* ---- */

/* What makes it a destination: without it there is none. */
static enum book_field essential(enum dest_kind kind)
{
	static const enum book_field fields[DEST_KINDS] = {
		[DEST_EMAIL] = F_ADDRESS,
		[DEST_FAX] = F_FAX_NUMBER,
		[DEST_IFAX] = F_ADDRESS,
		[DEST_IPFAX] = F_URI,
		[DEST_BOX] = F_BOX_ID,
	};

	return fields[kind];
}

static const char *kind_refused(struct conv *c, const struct book_dest *d)
{
	const char *protocol = get(d, F_PROTOCOL);
	const char *kind = dest_kind_name(d->kind);

	if ((c->to->kinds & 1u << d->kind) == 0 || !c->codec->holds(d->kind, (enum book_field)0))
		return conv_fmt(c, "%s has no %s", c->codec->title, kind);
	if (d->kind == DEST_FILE && !has_word(c->to->protocols, protocol))
		return conv_fmt(
			c, "%s has no %s folders", c->codec->title, *protocol ? protocol : "such");
	return NULL;
}

/* The folders of a protocol may lack what those of another have. */
static bool lacks(struct conv *c, const struct book_dest *d, enum book_field field)
{
	const char *protocol = get(d, F_PROTOCOL);
	size_t n = strlen(protocol);

	for (const char *const *l = c->to->lacks; d->kind == DEST_FILE && *l; l++)
		if (strncmp(*l, protocol, n) == 0 && (*l)[n] == '.' &&
			strcmp(*l + n + 1, field_info(field)->name) == 0)
			return true;
	return false;
}

static bool own_port(const struct book_dest *d)
{
	const char *own = protocol_port(get(d, F_PROTOCOL), strcmp(get(d, F_SSL), "true") == 0);

	return own && strcmp(own, get(d, F_PORT)) == 0;
}

/* No place for it with this protocol; said so, unless it is what the protocol has anyway. */
static bool is_lacking(
	struct conv *c, const struct book_dest *d, const struct field *f, const char *path)
{
	if (!lacks(c, d, f->id))
		return false;
	if (f->id != F_PORT || !own_port(d))
		conv_note(c, LEDGER_DROPPED, conv_place(c, path, f->id), f->value, "",
			conv_fmt(c, "%s has no place for it with %s", c->codec->title,
				get(d, F_PROTOCOL)));
	return true;
}

static bool fields_into(struct conv *c, struct book_dest *to, const struct book_dest *d,
	const char *path, const char **why)
{
	for (uint32_t i = 0; i < d->f.n; i++) {
		const struct field *f = &d->f.v[i];
		const struct field_info *info = field_info(f->id);
		if (is_lacking(c, d, f, path) || !field_passes(c, d->kind, f, path))
			continue;
		const char *v = convert_value(c, d->kind, f->id, path, f->value, why);
		if (v == NULL && info->address)
			return false;
		if (v == NULL)
			conv_note(
				c, LEDGER_DROPPED, conv_place(c, path, f->id), f->value, "", *why);
		else
			book_set(c->out, &to->f, f->id, v);
	}
	return true;
}

static bool reaches(struct conv *c, const struct book_dest *d)
{
	if (d->kind == DEST_FILE)
		return *get(d, F_HOST) != '\0' || c->to->neutral ||
		       (c->to->smb != SMB_PATH && c->to->smb != SMB_SHARE && *get(d, F_PATH));
	if (essential(d->kind) == 0)
		return d->f.n || c->to->whole_model;
	return c->to->neutral || *get(d, essential(d->kind)) != '\0';
}

bool convert_dest(struct conv *c, struct book_entry *e, const struct book_dest *d, const char *path,
	const char **why)
{
	struct book_dest *to = book_add_dest(c->out, e, d->kind);
	struct book_dest said = *d;
	uint32_t mark = c->n_pending;

	if (d->kind == DEST_FILE) { /* say_folder changes it */
		said.f = (struct fields){.v = NULL};
		for (uint32_t i = 0; i < d->f.n; i++)
			book_set(c->out, &said.f, d->f.v[i].id, d->f.v[i].value);
	}
	*why = kind_refused(c, d);
	if (*why == NULL) {
		say_folder(c, &said, path);
		if (fields_into(c, to, &said, path, why)) {
			*why = "there is no address in it";
			if (reaches(c, to)) {
				convert_secret(c, to, d, path);
				return true;
			}
		}
	}
	/* one line for all of it */
	c->n_pending = mark;
	conv_note(c, LEDGER_DROPPED, path,
		get(d, d->kind == DEST_FILE ? F_HOST : essential(d->kind)), "", *why);
	book_remove_dest(e, to);
	return false;
}
