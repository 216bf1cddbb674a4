// SPDX-License-Identifier: Apache-2.0
/* Ricoh's uDirectory property lists (docs/spec/address-books.md 4.5): answers of getObjectsProps as
 * received, or the body of one. Passwords never come and never go. Members of groups have no public
 * read (devices.md DC-6). */
#include <stdlib.h>
#include <string.h>

#include "common/book/engines/tree.h"

#define NS "http://www.ricoh.co.jp/xmlns/soap/rdh/udirectory"
#define BUILT_IN_DIGITS 10u /* ids of that many are the machine's own */

enum { ENTRY, MAIL, FAX, IFAX, FOLDER, LDAP, SMTP, BLOCKS };

static const struct tree_block BLOCK[BLOCKS] = {
	[MAIL] = {DEST_EMAIL, NULL, F_ADDRESS},
	[FAX] = {DEST_FAX, NULL, F_FAX_NUMBER},
	[IFAX] = {DEST_IFAX, NULL, F_ADDRESS},
	[FOLDER] = {DEST_FILE, NULL, F_PATH},
	[LDAP] = {DEST_LDAP_AUTH, NULL, F_ACCOUNT},
	[SMTP] = {DEST_SMTP_AUTH, NULL, F_ACCOUNT},
};

/* clang-format off */
static const struct tree_row ROWS[] = {
	{"entryType", ENTRY, 0, TREE_OWN, NULL},
	{"id", ENTRY, 0, TREE_KEY, NULL},
	{"index", ENTRY, F_NUMBER, TREE_VALUE, NULL},
	{"name", ENTRY, F_NAME, TREE_VALUE, NULL},
	{"longName", ENTRY, F_SHORT_LABEL, TREE_VALUE, NULL},
	{"phoneticName", ENTRY, F_READING, TREE_VALUE, NULL},
	{"displayedOrder", ENTRY, F_PRIORITY, TREE_VALUE, NULL},
	{"tagId", ENTRY, 0, TREE_OWN, NULL},
	{"isSender", ENTRY, F_IS_SENDER, TREE_BOOL, NULL},
	{"isDestination", ENTRY, F_IS_DESTINATION, TREE_BOOL, NULL},
	{"auth:", ENTRY, 0, TREE_OWN, NULL},
	{"auth:name", ENTRY, F_USER_CODE, TREE_VALUE, NULL},
	{"mail:", MAIL, 0, TREE_SWITCH, NULL},
	{"mail:address", MAIL, F_ADDRESS, TREE_VALUE, NULL},
	{"mail:parameter", MAIL, F_PARAMETER, TREE_VALUE, NULL},
	{"mail:isDirectSMTP", MAIL, F_DIRECT_SMTP, TREE_BOOL, NULL},
	{"fax:", FAX, 0, TREE_SWITCH, NULL},
	{"fax:number", FAX, F_FAX_NUMBER, TREE_VALUE, NULL},
	{"fax:lineType", FAX, F_LINE, TREE_VALUE, NULL},
	{"fax:isAbroad", FAX, F_ABROAD, TREE_BOOL, NULL},
	{"faxAux:label1", FAX, F_LABEL1, TREE_VALUE, NULL},
	{"faxAux:label2String", FAX, F_LABEL2, TREE_VALUE, NULL},
	{"faxAux:messageNo", FAX, F_LABEL3, TREE_VALUE, NULL},
	{"faxAux:ttiNo", FAX, F_HEADER_NO, TREE_VALUE, NULL},
	{"ifax:", IFAX, 0, TREE_SWITCH, NULL},
	{"ifax:address", IFAX, F_ADDRESS, TREE_VALUE, NULL},
	{"ifax:isDirectSMTP", IFAX, F_DIRECT, TREE_BOOL, NULL},
	{"ifax:parameter", IFAX, F_PARAMETER, TREE_VALUE, NULL},
	{"remoteFolder:", FOLDER, 0, TREE_SWITCH, NULL},
	{"remoteFolder:type", FOLDER, F_PROTOCOL, TREE_VALUE, NULL},
	{"remoteFolder:serverName", FOLDER, F_HOST, TREE_VALUE, NULL},
	{"remoteFolder:path", FOLDER, F_PATH, TREE_VALUE, NULL},
	{"remoteFolder:port", FOLDER, F_PORT, TREE_VALUE, NULL},
	{"remoteFolder:accountName", FOLDER, F_ACCOUNT, TREE_VALUE, NULL},
	{"remoteFolder:password", FOLDER, 0, TREE_SECRET, NULL},
	{"remoteFolder:select", FOLDER, F_SELECT, TREE_VALUE, NULL},
	{"remoteFolder:logonMode", FOLDER, F_LOGON_MODE, TREE_VALUE, NULL},
	{"remoteFolder:characterEncoding", FOLDER, F_CHAR_ENCODING, TREE_VALUE, NULL},
	{"ldap:", LDAP, 0, TREE_SWITCH, NULL},
	{"ldap:accountName", LDAP, F_ACCOUNT, TREE_VALUE, NULL},
	{"ldap:password", LDAP, 0, TREE_SECRET, NULL},
	{"ldap:select", LDAP, F_SELECT, TREE_VALUE, NULL},
	{"smtp:", SMTP, 0, TREE_SWITCH, NULL},
	{"smtp:accountName", SMTP, F_ACCOUNT, TREE_VALUE, NULL},
	{"smtp:password", SMTP, 0, TREE_SECRET, NULL},
	{"smtp:select", SMTP, F_SELECT, TREE_VALUE, NULL},
};
/* clang-format on */

static const struct tree_record RECORD = {"item", true, true, BLOCK, BLOCKS, ROWS, array_len(ROWS)};

static const char *property(const struct xml_node *n, const char *name)
{
	for (const struct xml_node *c = n->child; c; c = c->next)
		if (strcmp(xml_child_text(c, "propName"), name) == 0)
			return xml_child_text(c, "propVal");
	return "";
}

/* A list of properties; rows of a search carry the id alone. */
static const struct tree_record *record_of(const struct xml_node *n)
{
	bool list = strcmp(n->name, "item") == 0 && n->child && xml_child(n->child, "propName") &&
		    n->child->next;

	return list && strlen(property(n, "id")) < BUILT_IN_DIGITS ? &RECORD : NULL;
}

/* returnValue is a word in other answers. */
static bool is_container(const struct xml_node *n)
{
	return strcmp(n->name, "returnValue") == 0 && !n->text[strspn(n->text, " \t\r\n")];
}

/* ---- tags and types ---- */

/* Ranges of tagId. */
static const struct {
	const char *system;
	unsigned first, last;
} TITLES[] = {
	{"frequent", 1, 1}, {"title1", 2, 11}, {"title2", 12, 21}, {"title3", 22, 26},
	{"tag_id", 0, 0}, /* all others, as they are */
};

static void read_title(struct book *b, struct book_entry *e, const char *text)
{
	size_t digits = strspn(text, "0123456789"), i = 0;
	unsigned long id = digits > 0 && digits < 4 && !text[digits] && text[0] != '0'
				   ? strtoul(text, NULL, 10)
				   : 0;

	while (TITLES[i].first && (id < TITLES[i].first || id > TITLES[i].last))
		i++;
	book_add_tag(b, e, TITLES[i].system,
		TITLES[i].first ? book_fmt(b, "%lu", id - TITLES[i].first + 1) : text);
}

static void read_own(struct book *b, struct book_entry *e, const char *path, const char *text)
{
	const char *comma;

	if (strcmp(path, "auth:") == 0)
		return; /* there is a user code where there is one */
	if (strcmp(path, "entryType") == 0) {
		e->group = strcmp(text, "group") == 0;
		if (!e->group && strcmp(text, "user") != 0)
			book_add_tag(b, e, "entry_type", text);
		return;
	}
	for (; (comma = strchr(text, ',')) != NULL; text = comma + 1)
		read_title(b, e, book_strn(b, text, (size_t)(comma - text)));
	read_title(b, e, text);
}

/* The tagId of a tag, or 0; "tag_id" has none of these. */
static unsigned title_id(const char *system, const char *value)
{
	size_t digits = strspn(value, "0123456789");
	unsigned long n = digits < 3 && !value[digits] ? strtoul(value, NULL, 10) : 0;

	for (size_t i = 0; TITLES[i].first; i++)
		if (strcmp(system, TITLES[i].system) == 0 && n >= 1 &&
			n <= TITLES[i].last - TITLES[i].first + 1)
			return (unsigned)n + TITLES[i].first - 1;
	return 0;
}

static bool holds_tag(const char *system, const char *value)
{
	return title_id(system, value) > 0 || strcmp(system, "entry_type") == 0 ||
	       (strcmp(system, "tag_id") == 0 && !strchr(value, ','));
}

static void say_title(const struct book_tag *tag, struct buf *out)
{
	unsigned id = title_id(tag->system, tag->value);

	if (id == 0 && strcmp(tag->system, "tag_id") != 0)
		return;
	buf_adds(out, out->n > 0 ? "," : "");
	if (id)
		buf_addf(out, "%u", id);
	else
		buf_adds(out, tag->value);
}

static void say_own(const struct book_entry *e, const char *path, struct buf *out)
{
	const char *type = e->group ? "group" : "user";

	for (uint32_t i = 0; i < e->n_tags; i++) {
		if (strcmp(path, "tagId") == 0)
			say_title(&e->tag[i], out);
		else if (!e->group && strcmp(e->tag[i].system, "entry_type") == 0)
			type = e->tag[i].value;
	}
	if (strcmp(path, "entryType") == 0)
		buf_adds(out, type);
	if (strcmp(path, "auth:") == 0)
		buf_adds(out, fields_get(&e->f, F_USER_CODE) ? "true" : "");
}

/* ---- the book ---- */

static void finish(struct decoder *d)
{
	static const struct book_fault UNKNOWN = {.reason = "members_unknown"};
	const struct book_list *l = &d->book->list[0];
	uint32_t groups = 0;

	for (uint32_t i = 0; i < l->n_entries; i++)
		groups += l->entry[i].group;
	if (groups == 0)
		return;
	book_add_meta(d->book, "members_unknown", "true");
	decode_odd(d, &UNKNOWN, "the machine does not say who is in its %u groups", groups);
}

static void head(struct buf *out, const struct book *b)
{
	(void)b;
	buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		      "<u:getObjectsPropsResponse xmlns:u=\"" NS "\">\n<returnValue>");
}

static const struct tree_format FORMAT = {
	.record = &RECORD,
	.n_records = 1,
	.properties = true,
	.missing = SECRET_WITHHELD,
	.empty = SECRET_WITHHELD,
	.record_of = record_of,
	.is_container = is_container,
	.read_own = read_own,
	.holds_tag = holds_tag,
	.say_own = say_own,
	.finish = finish,
	.head = head,
	.tail = "\n</returnValue>\n</u:getObjectsPropsResponse>\n",
	.prefix = "",
};

static int detect(struct span file)
{
	return tree_detect(file, NS);
}

static int decode(struct decoder *d)
{
	return tree_decode(d, &FORMAT);
}

extern const struct codec codec_ricoh_udirectory;

static int encode(struct encoder *e)
{
	return tree_encode(e, &codec_ricoh_udirectory, &FORMAT);
}

static bool holds(enum dest_kind kind, enum book_field field)
{
	return tree_holds(&FORMAT, kind, field);
}

const struct codec codec_ricoh_udirectory = {
	.name = "ricoh_udirectory",
	.family = "ricoh",
	.title = "Ricoh uDirectory",
	.suffix = ".xml",
	.charset = "UTF-8",
	.flags = CODEC_ENCODE | CODEC_MANY_DESTS | CODEC_TAGS | CODEC_EXACT | CODEC_IDS,
	.detect = detect,
	.decode = decode,
	.encode = encode,
	.holds = holds,
};
