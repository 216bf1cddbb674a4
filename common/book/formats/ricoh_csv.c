// SPDX-License-Identifier: Apache-2.0
/* Ricoh's CSV of the Web Image Monitor (docs/spec/address-books.md 4.4): each cell in square
 * brackets, blocks of columns that a "Set …" column switches on, group membership on the member. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/book/engines/member_of.h"
#include "gen/errors.h"

/* Blocks: their switch is the column of that place in look. */
enum {
	NUMBER_BLOCK = 1,
	TITLE_BLOCK,
	CODE_BLOCK,
	AUTH_BLOCK,
	MAIL_BLOCK,
	FOLDER_BLOCK,
	GROUP_BLOCK
};
enum { TYPE = GROUP_BLOCK + 1, IFAX_ADDRESS, IFAX_ENABLE };

struct ricoh {
	struct member_of groups; /* first */
};

/* ---- codes ---- */

static const char *const PROTOCOLS[] = {"smb", "ftp", "ncp", "ncp"};

static bool get_protocol(
	struct sheet *s, const struct record *r, const struct column *c, const char *text)
{
	(void)c;
	struct book_dest *d = NULL;

	for (uint32_t i = 0; i < r->entry->n_dests; i++)
		if (r->entry->dest[i].kind == DEST_FILE)
			d = &r->entry->dest[i];
	if (!d)
		return strcmp(text, "0") == 0;
	if (text[0] < '0' || text[0] > '3' || text[1])
		return false;
	book_set(s->d->book, &d->f, F_PROTOCOL, PROTOCOLS[text[0] - '0']);
	return text[0] != '3'; /* the other NCP: its number stays as an extra */
}

static const char *put_protocol(const struct saying *y)
{
	static const char *const CODES[] = {"0", "1", "2"};
	const char *protocol = fields_get(&y->dest->f, F_PROTOCOL);
	const struct book_extra *kept = entry_extra(y->about->entry, "Folder Protocol");

	for (size_t i = 0; protocol && i < array_len(CODES); i++)
		if (strcmp(protocol, PROTOCOLS[i]) == 0)
			return i == 2 && kept ? NULL : CODES[i];
	return NULL;
}

static bool get_type(
	struct sheet *s, const struct record *r, const struct column *c, const char *text)
{
	(void)c;
	(void)s;
	return r->entry->group || ascii_same(text, "U");
}

static const char *put_type(const struct saying *y)
{
	if (entry_extra(y->about->entry, "Entry Type"))
		return NULL;
	return y->about->entry->group ? "G" : "U";
}

static const char *index_of(const struct book_entry *e)
{
	const char *number = fields_get(&e->f, F_NUMBER);

	return plain_number(e->key) || !number ? e->key : number;
}

static const char *put_index(const struct saying *y)
{
	return index_of(y->about->entry);
}

/* The machine never says passwords; in files that people prepared for it they stand in an encoding
 * that is not known: not read, not written, kept where they are. */
static bool get_password(
	struct sheet *s, const struct record *r, const struct column *c, const char *text)
{
	(void)r;
	(void)text;
	sheet_odd(s, sheet_column(s, c->name), "lone_password",
		"a password that is not read stays in the file only");
	return true;
}

static const char *put_password(const struct saying *y)
{
	(void)y;
	return "";
}

/* ---- blocks: 1 if the entry carries them ---- */

static bool has(const struct saying *y, enum dest_kind kind)
{
	return entry_dest(y->about->entry, kind) != NULL;
}

static const char *put_number_block(const struct saying *y)
{
	return fields_get(&y->about->entry->f, F_NUMBER) ? "1" : "0";
}

static const char *put_general_block(const struct saying *y)
{
	(void)y;
	return "1";
}

static const char *put_title_block(const struct saying *y)
{
	for (uint32_t i = 0; i < y->about->entry->n_tags; i++) {
		const char *system = y->about->entry->tag[i].system;

		if (strncmp(system, "title", 5) == 0 || strcmp(system, "frequent") == 0)
			return "1";
	}
	return "0";
}

static const char *put_code_block(const struct saying *y)
{
	return fields_get(&y->about->entry->f, F_USER_CODE) ? "1" : "0";
}

static const char *put_auth_block(const struct saying *y)
{
	bool login = entry_extra(y->about->entry, "Device Login User Name");

	return login || has(y, DEST_SMTP_AUTH) || has(y, DEST_FOLDER_AUTH) || has(y, DEST_LDAP_AUTH)
		       ? "1"
		       : "0";
}

static const char *put_mail_block(const struct saying *y)
{
	return has(y, DEST_EMAIL) || has(y, DEST_FAX) || has(y, DEST_IFAX) ? "1" : "0";
}

static const char *put_ifax_switch(const struct saying *y)
{
	return has(y, DEST_IFAX) ? "1" : "0";
}

static const char *put_folder_block(const struct saying *y)
{
	return has(y, DEST_FILE) ? "1" : "0";
}

static const char *put_group_block(const struct saying *y)
{
	return member_of_put(y) ? "1" : "0";
}

/* The machine never says them. */
static void withhold(struct book *b, struct book_entry *e)
{
	for (uint32_t i = 0; i < e->n_dests; i++)
		if (e->dest[i].kind >= DEST_LDAP_AUTH && e->dest[i].secret.state == SECRET_ABSENT)
			book_set_secret(b, &e->dest[i], SECRET_WITHHELD, NULL, NULL);
}

static void done(struct sheet *s)
{
	struct ricoh *x = s->state;
	struct book *b = s->d->book;

	if (b->n_lists == 0)
		sheet_list(s, "1", LIST_FLAT, "");
	for (uint32_t i = 0; i < b->list[0].n_entries; i++)
		withhold(b, &b->list[0].entry[i]);
	member_of_join(s, &x->groups);
}

static void plan(struct writer *w)
{
	struct ricoh *x = w->state;

	member_of_plan(w, &x->groups);
}

/* ---- columns ---- */

#define SWITCH (COLUMN_OWN | COLUMN_SWITCH)
#define DEFINES COLUMN_DEFINES
#define SECRET COLUMN_SECRET
/* Without kind and field: kept, but neither known nor made. */
/* clang-format off */
static const struct column COLUMNS[] = {
	{.name = "Index in ACLs and Groups", .flags = COLUMN_OWN | COLUMN_REQUIRED, .put = put_index},
	{.name = "Name", .field = F_NAME, .flags = COLUMN_REQUIRED},
	{.name = "Set General Settings", .flags = SWITCH, .put = put_general_block},
	{.name = "Set Registration No.", .flags = SWITCH, .put = put_number_block},
	{.name = "Registration No.", .block = NUMBER_BLOCK, .field = F_NUMBER},
	{.name = "Entry Type", .flags = COLUMN_REQUIRED, .get = get_type, .put = put_type},
	{.name = "Phonetic Name", .field = F_READING},
	{.name = "Display Name", .field = F_SHORT_LABEL},
	{.name = "Display Priority", .field = F_PRIORITY},
	{.name = "Set Title Settings", .flags = SWITCH, .put = put_title_block},
	{.name = "Title 1", .block = TITLE_BLOCK, .tag = "title1", .none = "0"},
	{.name = "Title 2", .block = TITLE_BLOCK, .tag = "title2", .none = "0"},
	{.name = "Title 3", .block = TITLE_BLOCK, .tag = "title3", .none = "0"},
	{.name = "Title Freq.", .block = TITLE_BLOCK, .tag = "frequent", .none = "0"},
	{.name = "Set User Code Settings", .flags = SWITCH, .put = put_code_block},
	{.name = "User Code", .block = CODE_BLOCK, .field = F_USER_CODE},
	{.name = "Set Auth. Info Settings", .flags = SWITCH, .put = put_auth_block},
	{.name = "Device Login User Name"},
	{.name = "Device Login Password", .flags = SECRET, .get = get_password, .put = put_password},
	{.name = "Device Login Password Encoding", .none = "omitted"},
	{.name = "SMTP Authentication", .block = AUTH_BLOCK, .kind = DEST_SMTP_AUTH, .field = F_SELECT, .flags = DEFINES, .none = "0", .idle = "0"},
	{.name = "SMTP Authentication Login User Name", .block = AUTH_BLOCK, .kind = DEST_SMTP_AUTH, .field = F_ACCOUNT, .flags = DEFINES},
	{.name = "SMTP Authentication Login Password", .block = AUTH_BLOCK, .kind = DEST_SMTP_AUTH, .flags = SECRET, .get = get_password, .put = put_password},
	{.name = "SMTP Authentication Password Encoding", .none = "omitted"},
	{.name = "Folder Authentication", .block = AUTH_BLOCK, .kind = DEST_FOLDER_AUTH, .field = F_SELECT, .flags = DEFINES, .none = "0", .idle = "0"},
	{.name = "Folder Authentication Login User Name", .block = AUTH_BLOCK, .kind = DEST_FOLDER_AUTH, .field = F_ACCOUNT, .flags = DEFINES},
	{.name = "Folder Authentication Login Password", .block = AUTH_BLOCK, .kind = DEST_FOLDER_AUTH, .flags = SECRET, .get = get_password, .put = put_password},
	{.name = "Folder Authentication Password Encoding", .none = "omitted"},
	{.name = "LDAP Authentication", .block = AUTH_BLOCK, .kind = DEST_LDAP_AUTH, .field = F_SELECT, .flags = DEFINES, .none = "0", .idle = "0"},
	{.name = "LDAP Authentication Login User Name", .block = AUTH_BLOCK, .kind = DEST_LDAP_AUTH, .field = F_ACCOUNT, .flags = DEFINES},
	{.name = "LDAP Authentication Login Password", .block = AUTH_BLOCK, .kind = DEST_LDAP_AUTH, .flags = SECRET, .get = get_password, .put = put_password},
	{.name = "LDAP Authentication Password Encoding", .none = "omitted"},
	{.name = "Set Access Control Settings", .none = "0"},
	{.name = "Can Use B/W Copy"},
	{.name = "Can Use Single Color Copy"},
	{.name = "Can Use Two Color Copy"},
	{.name = "Can Use Full Color Copy"},
	{.name = "Can Use Auto Color Copy"},
	{.name = "Can Use B/W Print"},
	{.name = "Can Use Color Print"},
	{.name = "Can Use Scanner"},
	{.name = "Can Use Fax"},
	{.name = "Can Use Document Server"},
	{.name = "Maximum of Print Usage Limit"},
	{.name = "Set Email/Fax Settings", .flags = SWITCH, .put = put_mail_block},
	{.name = "Fax Destination", .block = MAIL_BLOCK, .kind = DEST_FAX, .field = F_FAX_NUMBER, .flags = DEFINES},
	{.name = "Fax Line Type", .block = MAIL_BLOCK, .kind = DEST_FAX, .field = F_LINE, .idle = "g3"},
	{.name = "International Fax Transmission Mode", .block = MAIL_BLOCK, .kind = DEST_FAX, .field = F_ABROAD},
	{.name = "E-mail Address", .block = MAIL_BLOCK, .kind = DEST_EMAIL, .field = F_ADDRESS, .flags = DEFINES},
	{.name = "Ifax Address", .block = MAIL_BLOCK, .kind = DEST_IFAX, .field = F_ADDRESS},
	{.name = "Ifax Enable", .flags = COLUMN_OWN, .put = put_ifax_switch},
	{.name = "Direct SMTP", .block = MAIL_BLOCK, .kind = DEST_EMAIL, .field = F_DIRECT_SMTP},
	{.name = "Ifax Direct SMTP", .block = MAIL_BLOCK, .kind = DEST_IFAX, .field = F_DIRECT},
	{.name = "Fax Header", .block = MAIL_BLOCK, .kind = DEST_FAX, .field = F_HEADER_NO, .idle = "1"},
	{.name = "Label Insertion 1st Line (Selection)", .block = MAIL_BLOCK, .kind = DEST_FAX, .field = F_LABEL1},
	{.name = "Label Insertion 2nd Line (String)", .block = MAIL_BLOCK, .kind = DEST_FAX, .field = F_LABEL2},
	{.name = "Label Insertion 3rd Line (Standard Message)", .block = MAIL_BLOCK, .kind = DEST_FAX, .field = F_LABEL3, .idle = "0"},
	{.name = "Set Folder Settings", .flags = SWITCH, .put = put_folder_block},
	{.name = "Folder Protocol", .block = FOLDER_BLOCK, .kind = DEST_FILE, .field = F_PROTOCOL, .idle = "0", .get = get_protocol, .put = put_protocol},
	{.name = "Folder Port No.", .block = FOLDER_BLOCK, .kind = DEST_FILE, .field = F_PORT, .idle = "21"},
	{.name = "Folder Server Name", .block = FOLDER_BLOCK, .kind = DEST_FILE, .field = F_HOST, .flags = DEFINES},
	{.name = "Folder Path", .block = FOLDER_BLOCK, .kind = DEST_FILE, .field = F_PATH, .flags = DEFINES},
	{.name = "Folder Japanese Character Encoding", .block = FOLDER_BLOCK, .kind = DEST_FILE, .field = F_CHAR_ENCODING, .idle = "us-ascii"},
	{.name = "Set Protection Settings", .none = "0"},
	{.name = "Is Setting Destination Protection"},
	{.name = "Is Protecting Destination Folder"},
	{.name = "Is Setting Sender Protection"},
	{.name = "Is Protecting Sender"},
	{.name = "Sender Protection Password", .flags = SECRET, .get = get_password, .put = put_password},
	{.name = "Sender Protection Password Encoding", .none = "omitted"},
	{.name = "Access Privilege to User"},
	{.name = "Access Privilege to Protected File"},
	{.name = "Set Group List Settings", .flags = SWITCH, .put = put_group_block},
	{.name = "Groups", .block = GROUP_BLOCK, .get = member_of_get, .put = member_of_put},
	{.name = "Set Counter Reset Settings", .none = "0"},
	{.name = "Enable Plot Counter Reset"},
	{.name = "Enable Fax Counter Reset"},
	{.name = "Enable Scanner Counter Reset"},
	{.name = "Enable User Volume Counter Reset"},
};
/* clang-format on */

/* ---- preamble ---- */

static const struct {
	const char *begin, *meta;
} COMMENTS[] = {
	{"# Format Version:", "format_version"},
	{"# Generated at:", "generated_at"},
	{"# Template Name:", "template_name"},
	{"# Description:", "description"},
	{"# Authentication Method (0=none or user code/1=others):", "authentication_method"},
};

static void note_comment(struct sheet *s, struct span line)
{
	const char *p = (const char *)line.p;
	size_t end = line.n;

	while (end && (p[end - 1] == ',' || p[end - 1] == ' '))
		end--;
	for (size_t i = 0; i < array_len(COMMENTS); i++) {
		size_t n = strlen(COMMENTS[i].begin);

		if (end < n || memcmp(p, COMMENTS[i].begin, n) != 0)
			continue;
		while (n < end && p[n] == ' ')
			n++;
		book_add_meta(s->d->book, COMMENTS[i].meta, book_strn(s->d->book, p + n, end - n));
	}
}

/* Comments may be quoted or followed by runs of commas: a spreadsheet passed over them. */
static int preamble(struct sheet *s, struct span line)
{
	size_t i = 0;

	while (i < line.n && (line.p[i] == ',' || line.p[i] == '"' || line.p[i] == ' '))
		i++;
	if (i < line.n && line.p[i] != '#')
		return 1;
	note_comment(s, line);
	return 0;
}

static void fresh(struct encoder *e, struct buf *out);

/* ---- rows ---- */

static bool blocks_off(struct sheet *s)
{
	s->off = 0;
	for (unsigned block = NUMBER_BLOCK; block <= GROUP_BLOCK; block++) {
		const char *set = sheet_text(s, s->look[block]);

		if (!set)
			return false;
		s->off |= (strcmp(set, "0") == 0 ? 1u : 0u) << block;
	}
	return true;
}

static int row(struct sheet *s, struct record *r)
{
	const char *type = sheet_text(s, s->look[TYPE]);
	const char *ifax = sheet_text(s, s->look[IFAX_ADDRESS]);
	const char *enable = sheet_text(s, s->look[IFAX_ENABLE]);

	if (!type || !ifax || !enable || !blocks_off(s) ||
		sheet_add(s, r, sheet_list(s, "1", LIST_FLAT, "")) < 0)
		return 0;
	r->entry->group = ascii_same(type, "G");
	/* switched off, the address is none; it stays as an extra */
	if (*ifax && strcmp(enable, "0") != 0 && !(s->off >> MAIL_BLOCK & 1) && !r->entry->group)
		book_add_dest(s->d->book, r->entry, DEST_IFAX);
	return 1;
}

static const struct format FORMAT = {
	.column = COLUMNS,
	.n_columns = array_len(COLUMNS),
	.family = "ricoh",
	.number = "Registration No.",
	.key = "Index in ACLs and Groups",
	.look = {[NUMBER_BLOCK] = "Set Registration No.",
		[TITLE_BLOCK] = "Set Title Settings",
		[CODE_BLOCK] = "Set User Code Settings",
		[AUTH_BLOCK] = "Set Auth. Info Settings",
		[MAIL_BLOCK] = "Set Email/Fax Settings",
		[FOLDER_BLOCK] = "Set Folder Settings",
		[GROUP_BLOCK] = "Set Group List Settings",
		[TYPE] = "Entry Type",
		[IFAX_ADDRESS] = "Ifax Address",
		[IFAX_ENABLE] = "Ifax Enable"},
	.delimiter = ',',
	.brackets = true,
	.tags = true,
	.members = true,
	.yes = "1",
	.preamble = preamble,
	.row = row,
	.done = done,
	.fresh = fresh,
	.plan = plan,
};

static const char *meta_or(const struct book *b, const char *name, const char *otherwise)
{
	const char *value = book_meta(b, name);

	return *value ? value : otherwise;
}

static void fresh(struct encoder *e, struct buf *out)
{
	const struct book *b = e->book;

	buf_addf(out, "# Format Version: %s\r\n", meta_or(b, "format_version", "5.1.1.0"));
	buf_addf(out, "# Generated at: %s\r\n", book_meta(b, "generated_at"));
	buf_adds(out, "# Function Name: User Data Preference\r\n");
	buf_addf(out, "# Template Name: %s\r\n", book_meta(b, "template_name"));
	buf_addf(out, "# Description: %s\r\n", book_meta(b, "description"));
	buf_addf(out, "%s %s\r\n", COMMENTS[4].begin, meta_or(b, COMMENTS[4].meta, "0"));
	writer_heading(e, &FORMAT, FORMAT.n_columns, out);
	buf_adds(out, "\r\n");
}

/* ---- the codec ---- */

static int detect(struct span head)
{
	const char *p = (const char *)head.p;

	if (head.n > 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		p += 3;
	head.n -= (size_t)(p - (const char *)head.p);
	if (head.n > 17 && memcmp(p, "# Format Version:", 17) == 0 &&
		memmem(p, head.n, "User Data Preference", 20))
		return 95;
	return memmem(p, size_min(head.n, 4096), "Index in ACLs and Groups", 24) ? 80 : 0;
}

static int decode(struct decoder *d)
{
	struct ricoh x = {.groups = {.column = "Groups", .id = index_of}};
	int r = sheet_decode(d, &FORMAT, &x);

	member_of_fini(&x.groups);
	return r;
}

extern const struct codec codec_ricoh_csv;

static int encode(struct encoder *e)
{
	struct ricoh x = {.groups = {.column = "Groups", .id = index_of}};
	int r = sheet_encode(e, &codec_ricoh_csv, &FORMAT, &x);

	member_of_fini(&x.groups);
	return r;
}

static bool holds(enum dest_kind kind, enum book_field field)
{
	return (kind == DEST_GROUP && field == 0) || sheet_holds(&FORMAT, kind, field);
}

const struct codec codec_ricoh_csv = {
	.name = "ricoh_csv",
	.family = "ricoh",
	.title = "Ricoh Web Image Monitor CSV",
	.suffix = ".csv",
	.charset = "UTF-8",
	.flags = CODEC_ENCODE | CODEC_GROUPS | CODEC_MANY_DESTS | CODEC_TAGS | CODEC_EXACT |
		 CODEC_EXTRAS,
	.detect = detect,
	.decode = decode,
	.encode = encode,
	.holds = holds,
};
