// SPDX-License-Identifier: Apache-2.0
/* Reads the message files (syntax: schemas/README.md) and checks what a single file cannot know. */
#include <errno.h>
#include <glob.h>
#include <string.h>

#include "schemas/gen/schemagen.h"

#define MAX_TAG 255u  /* the pre-scan keeps one bit per key */
#define MAX_FIELDS 64 /* bits of `has` */
#define MAX_BYTES ((uint64_t)1024 * 1024)
#define MAX_NUMBER 4294967295u

const char *const form_words[4] = {"struct", "request", "reply", "event"};
const char *const type_words[9] = {
	"bool", "uint", "int", "enum", "text", "bytes", "uuid", "time", "struct"};
static const char *const rights[] = {
	"internal", "viewer", "operator", "admin", "auditor", "reader"};

struct message *model_message(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->messages[i].name, name) == 0)
			return &m->messages[i];
	}
	return NULL;
}

struct enumeration *model_enum(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->n_enums; i++) {
		if (strcmp(m->enums[i].name, name) == 0)
			return &m->enums[i];
	}
	return NULL;
}

struct field *message_field(const struct message *msg, const char *name)
{
	for (size_t i = 0; i < msg->n; i++) {
		if (strcmp(msg->fields[i].name, name) == 0)
			return &msg->fields[i];
	}
	return NULL;
}

static char *opt_help(struct lex *l, const struct token *t)
{
	if (l->next.kind == T_STRING && lex_same_line(l, t))
		return lex_next(l).s;
	return NULL;
}

static uint64_t opt_number(struct lex *l, const struct token *t, uint64_t max, uint64_t none)
{
	if (l->next.kind != T_WORD || !lex_same_line(l, t) ||
		strchr("0123456789", *l->next.s) == NULL)
		return none;
	struct token n = lex_next(l);
	return number(n.at, n.s, max);
}

static void read_type(struct lex *l, struct field *f)
{
	struct token t = lex_want(l, T_WORD, "type");
	int type = index_of(type_words, array_len(type_words), t.s);

	if (type < 0)
		die(t.at, "'%s' is no type", t.s);
	f->type = (enum type)type;
	if (f->type == Y_ENUM || f->type == Y_STRUCT)
		f->of = lex_want(l, T_WORD, "name of an enum or struct").s;
	if (f->type == Y_UINT)
		f->max = opt_number(l, &t, MAX_NUMBER, 0);
	if (f->type == Y_TEXT || f->type == Y_BYTES) {
		f->max = opt_number(l, &t, MAX_BYTES, 0);
		if (f->max == 0)
			die(t.at, "%s needs the most bytes it may have", t.s);
	}
}

static void read_field(struct lex *l, struct message *msg, struct token tag)
{
	struct field f = {.at = tag.at, .tag = (unsigned)number(tag.at, tag.s, MAX_TAG)};
	struct token name = lex_want(l, T_WORD, "name of a field");

	check_name(name.at, name.s);
	f.name = name.s;
	if (lex_is(l, "list") && lex_same_line(l, &tag)) {
		struct token t = lex_next(l);
		f.list = true;
		f.max_items = opt_number(l, &t, MAX_NUMBER, 0);
		if (f.max_items == 0)
			die(t.at, "a list needs the most items it may have");
	}
	read_type(l, &f);
	for (; l->next.kind == T_WORD && lex_same_line(l, &tag);) {
		struct token t = lex_next(l);
		if (strcmp(t.s, "required") == 0)
			f.required = true;
		else if (strcmp(t.s, "secret") == 0)
			f.secret = true;
		else
			die(t.at, "'%s' is neither required nor secret", t.s);
	}
	f.help = opt_help(l, &tag);
	if (message_field(msg, f.name) != NULL)
		die(f.at, "second field %s", f.name);
	if (f.tag == 0 || (msg->n > 0 && msg->fields[msg->n - 1].tag >= f.tag))
		die(f.at, "tag %u of %s does not rise", f.tag, f.name);
	if (msg->n >= MAX_FIELDS)
		die(f.at, "more than %d fields", MAX_FIELDS);
	*grow(msg->fields, msg->n) = f;
}

static void read_body(struct lex *l, struct message *msg)
{
	lex_want(l, T_OPEN, "{");
	while (l->next.kind != T_CLOSE) {
		struct token t = lex_want(l, T_WORD, "tag or }");
		if (strcmp(t.s, "retired") == 0) {
			struct token n = lex_want(l, T_WORD, "tag");
			*grow(msg->retired, msg->n_retired) = (unsigned)number(n.at, n.s, MAX_TAG);
		} else {
			read_field(l, msg, t);
		}
	}
	lex_next(l);
	for (size_t i = 0; i < msg->n; i++) {
		for (size_t k = 0; k < msg->n_retired; k++) {
			if (msg->fields[i].tag == msg->retired[k])
				die(msg->fields[i].at, "tag %u is retired", msg->retired[k]);
		}
	}
}

static unsigned read_id(struct lex *l, unsigned service)
{
	struct token t = lex_want(l, T_WORD, "id");
	unsigned id = (unsigned)number(t.at, t.s, 0xffff);

	if (id >> 8 != service)
		die(t.at, "ids of this file begin with 0x%02x", service);
	return id;
}

static void read_message(struct model *m, struct lex *l, struct token form, unsigned service)
{
	struct message msg = {.at = form.at,
		.form = (enum form)index_of(form_words, array_len(form_words), form.s)};
	struct token name = lex_want(l, T_WORD, "name");

	check_name(name.at, name.s);
	msg.name = name.s;
	if (model_message(m, msg.name) != NULL)
		die(name.at, "second '%s'", msg.name);
	if (msg.form != F_STRUCT)
		msg.id = read_id(l, service);
	if (msg.form == F_REQUEST) {
		struct token right = lex_want(l, T_WORD, "right");
		if (index_of(rights, array_len(rights), right.s) < 0)
			die(right.at,
				"'%s' is no right: internal viewer operator admin auditor reader",
				right.s);
		msg.right = right.s;
		msg.scoped = l->next.kind == T_WORD && strcmp(l->next.s, "scoped") == 0;
		if (msg.scoped)
			lex_next(l);
		if (!lex_is(l, "->"))
			die(l->next.at, "-> REPLY wanted");
		lex_next(l);
		msg.reply = lex_want(l, T_WORD, "reply").s;
	}
	msg.help = l->next.kind == T_STRING ? lex_next(l).s : NULL;
	read_body(l, &msg);
	*grow(m->messages, m->n) = msg;
}

static void check_word(const struct enumeration *e, const struct token *w, unsigned n)
{
	if (!is_word(w->s))
		die(w->at, "'%s' is no word", w->s);
	if (n == 0)
		die(w->at, "0 means absent: numbers begin with 1");
	for (size_t i = 0; i < e->n; i++) {
		if (strcmp(e->words[i].s, w->s) == 0 || e->words[i].number == n)
			die(w->at, "%s=%u is there already", w->s, n);
	}
	for (size_t i = 0; i < e->n_retired; i++) {
		if (e->retired[i] == n)
			die(w->at, "%u is retired", n);
	}
}

static void read_word(struct lex *l, struct enumeration *e)
{
	struct token w = lex_want(l, T_WORD, "word");

	if (strcmp(w.s, "retired") == 0 && l->next.kind == T_WORD) {
		struct token n = lex_next(l);
		*grow(e->retired, e->n_retired) = (unsigned)number(n.at, n.s, 65535);
		return;
	}
	lex_want(l, T_EQUAL, "=");
	struct token n = lex_want(l, T_WORD, "number");
	struct word word = {.s = w.s, .number = (unsigned)number(n.at, n.s, 65535)};
	check_word(e, &w, word.number);
	*grow(e->words, e->n) = word;
}

static void read_enum(struct model *m, struct lex *l)
{
	struct token name = lex_want(l, T_WORD, "name");
	struct enumeration e = {.at = name.at, .name = name.s};

	check_name(name.at, name.s);
	if (model_enum(m, e.name) != NULL)
		die(name.at, "second enum '%s'", e.name);
	lex_want(l, T_OPEN, "{");
	while (l->next.kind != T_CLOSE)
		read_word(l, &e);
	lex_next(l);
	if (e.n == 0)
		die(name.at, "enum %s is empty", e.name);
	*grow(m->enums, m->n_enums) = e;
}

static void read_file(struct model *m, const char *path)
{
	struct lex l;
	unsigned service = 0;

	lex_open(&l, path, false);
	if (!lex_is(&l, "service"))
		die(l.next.at, "service NAME 0xSS wanted");
	lex_next(&l);
	lex_want(&l, T_WORD, "name of the service");
	struct token id = lex_want(&l, T_WORD, "first byte of ids");
	service = (unsigned)number(id.at, id.s, 255);
	while (l.next.kind != T_END) {
		struct token t =
			lex_want(&l, T_WORD, "enum, struct, request, reply, event or retired");
		if (strcmp(t.s, "enum") == 0)
			read_enum(m, &l);
		else if (strcmp(t.s, "retired") == 0)
			*grow(m->retired, m->n_retired) = read_id(&l, service);
		else if (index_of(form_words, array_len(form_words), t.s) >= 0)
			read_message(m, &l, t, service);
		else
			die(t.at, "unknown word '%s'", t.s);
	}
}

static void check_ids(const struct model *m, const struct message *msg)
{
	for (const struct message *o = m->messages; o < msg; o++) {
		if (o->id != 0 && o->id == msg->id)
			die(msg->at, "id 0x%04x belongs to %s", msg->id, o->name);
	}
	for (size_t i = 0; i < m->n_retired; i++) {
		if (m->retired[i] == msg->id)
			die(msg->at, "id 0x%04x is retired", msg->id);
	}
}

static void check_message(const struct model *m, const struct message *msg)
{
	static const char *const taken[] = {"bool", "uint", "int", "enum", "text", "bytes", "uuid",
		"time", "struct", "internal", "viewer", "operator", "admin", "max", "protocol"};

	check_ids(m, msg);
	/* MSG_<NAME> must not meet the constants of common/msg/msg.h */
	if (msg->form != F_STRUCT && index_of(taken, array_len(taken), msg->name) >= 0)
		die(msg->at, "MSG_%s is taken; choose another name", upper(msg->name));
	if (msg->form == F_REQUEST) {
		const struct message *reply = model_message(m, msg->reply);
		if (reply == NULL || reply->form != F_REPLY)
			die(msg->at, "%s is no reply", msg->reply);
	}
	for (size_t i = 0; i < msg->n; i++) {
		const struct field *f = &msg->fields[i];
		if (f->type == Y_ENUM && model_enum(m, f->of) == NULL)
			die(f->at, "no enum %s", f->of);
		if (f->type != Y_STRUCT)
			continue;
		const struct message *part = model_message(m, f->of);
		if (part == NULL || part->form != F_STRUCT)
			die(f->at, "no struct %s", f->of);
	}
}

/* Depth of a message is bounded by its declaration. */
static void check_no_cycle(const struct model *m, struct message *msg)
{
	if (msg->mark == 1)
		die(msg->at, "struct %s contains itself", msg->name);
	if (msg->mark == 2)
		return;
	msg->mark = 1;
	for (size_t i = 0; i < msg->n; i++) {
		if (msg->fields[i].type == Y_STRUCT)
			check_no_cycle(m, model_message(m, msg->fields[i].of));
	}
	msg->mark = 2;
}

void model_read(struct model *m, const char *schemas)
{
	glob_t g;

	if (glob(text("%s/messages/*.msg", schemas), 0, NULL, &g) != 0)
		die((struct at){0}, "%s/messages: no .msg file", schemas);
	for (size_t i = 0; i < g.gl_pathc; i++)
		read_file(m, g.gl_pathv[i]);
	for (size_t i = 0; i < m->n; i++)
		check_message(m, &m->messages[i]);
	for (size_t i = 0; i < m->n; i++)
		check_no_cycle(m, &m->messages[i]);
	globfree(&g);
}
