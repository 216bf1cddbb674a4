// SPDX-License-Identifier: Apache-2.0
/* Entries of address books in a few words, for tables and differences. */
#include <string.h>

#include "services/cli/book.h"

const char *paint(const struct cli *c, const char *code)
{
	return c->color ? code : "";
}

const char *entry_number(const struct book_entry *e)
{
	const char *number = fields_get(&e->f, F_NUMBER);

	return number != NULL ? number : e->key;
}

void list_title(struct buf *out, const struct book_list *l)
{
	buf_adds(out, "list ");
	safe_text(out, l->slot);
	if (*l->name != '\0') {
		buf_addc(out, ' ');
		safe_text(out, l->name);
	}
}

const char *secret_words(enum secret_state state)
{
	switch (state) {
	case SECRET_ABSENT:
		return "not set";
	case SECRET_CLEAR:
		return "set";
	case SECRET_ENCRYPTED:
		return "set (encrypted)";
	case SECRET_WITHHELD:
		return "not said by the device";
	case SECRET_UNKNOWN:
		break;
	}
	return "unknown";
}

static void piece(struct buf *out, const char *before, const struct fields *f, enum book_field id)
{
	const char *value = fields_get(f, id);

	if (value == NULL)
		return;
	buf_adds(out, before);
	safe_text(out, value);
}

/* Some machines keep \\\\server\\share as the host: then as it stands. */
static void file_where(struct buf *out, const struct fields *f)
{
	const char *path = fields_get(f, F_PATH), *host = fields_get(f, F_HOST);

	if (host != NULL && *host == '\\') {
		piece(out, "", f, F_PROTOCOL);
		piece(out, " ", f, F_HOST);
		piece(out, path != NULL && *path != '\\' && *path != '/' ? "\\" : "", f, F_PATH);
		return;
	}
	piece(out, "", f, F_PROTOCOL);
	buf_adds(out, "://");
	piece(out, "", f, F_HOST);
	piece(out, ":", f, F_PORT);
	piece(out, "/", f, F_SHARE);
	if (path != NULL)
		piece(out, *path == '/' || *path == '\\' ? "" : "/", f, F_PATH);
}

void dest_where(struct buf *out, const struct book_dest *d)
{
	switch (d->kind) {
	case DEST_EMAIL:
		piece(out, "", &d->f, F_ADDRESS);
		break;
	case DEST_FAX:
		piece(out, "fax ", &d->f, F_FAX_NUMBER);
		break;
	case DEST_IFAX:
		piece(out, "ifax ", &d->f, F_ADDRESS);
		break;
	case DEST_IPFAX:
		piece(out, "ipfax ", &d->f, F_URI);
		break;
	case DEST_FILE:
		file_where(out, &d->f);
		break;
	case DEST_BOX:
		piece(out, "box ", &d->f, F_BOX_ID);
		piece(out, " on ", &d->f, F_HOST);
		break;
	case DEST_LDAP_AUTH:
	case DEST_SMTP_AUTH:
	case DEST_FOLDER_AUTH:
		buf_adds(out, dest_kind_name(d->kind));
		piece(out, " ", &d->f, F_ACCOUNT);
		break;
	case DEST_NONE:
	case DEST_GROUP:
		break;
	}
}

void entry_where(struct buf *out, const struct book_entry *e)
{
	if (e->group)
		buf_addf(out, "%u member%s", e->n_members, e->n_members == 1 ? "" : "s");
	for (uint32_t i = 0; i < e->n_dests; i++) {
		if (i > 0 || e->group)
			buf_adds(out, ", ");
		dest_where(out, &e->dest[i]);
	}
}

void entry_kinds(struct buf *out, const struct book_entry *e)
{
	if (e->group)
		buf_adds(out, "group");
	for (uint32_t i = 0; i < e->n_dests; i++) {
		const struct book_dest *d = &e->dest[i];
		const char *protocol = fields_get(&d->f, F_PROTOCOL);
		if (out->n > 0)
			buf_addc(out, ' ');
		safe_text(out, protocol != NULL ? protocol : dest_kind_name(d->kind));
	}
}
