// SPDX-License-Identifier: Apache-2.0
/* Writes gen/msg.h (enums, structs, ids) and gen/msg.c (descriptor tables, look-up). */
#include <stdlib.h>
#include <string.h>

#include "schemas/gen/schemagen.h"

static const char *c_type(const struct field *f)
{
	static const char *const plain[] = {[Y_BOOL] = "bool ",
		[Y_UINT] = "uint64_t ",
		[Y_INT] = "int64_t ",
		[Y_TEXT] = "const char *",
		[Y_BYTES] = "struct span ",
		[Y_UUID] = "struct uuid ",
		[Y_TIME] = "int64_t "};

	if (f->type == Y_ENUM)
		return text("enum %s ", f->of);
	if (f->type == Y_STRUCT)
		return text("const struct m_%s %s", f->of, f->list ? "" : "*");
	return plain[f->type];
}

static void put_member(struct out *o, const struct field *f)
{
	const char *type = c_type(f);

	if (!f->list)
		put(o, "\t%s%s;", type, f->name);
	else if (f->type == Y_TEXT)
		put(o, "\tconst char *const *%s;\n\tsize_t %s_n;", f->name, f->name);
	else
		put(o, "\t%s%s*%s;\n\tsize_t %s_n;", f->type == Y_STRUCT ? "" : "const ", type,
			f->name, f->name);
	if (f->help != NULL)
		put(o, " /* %s */", f->help);
	put(o, "\n");
}

static void put_enums(struct out *o, const struct model *m)
{
	for (size_t i = 0; i < m->n_enums; i++) {
		const struct enumeration *e = &m->enums[i];
		put(o, "enum %s {\n", e->name);
		for (size_t k = 0; k < e->n; k++)
			put(o, "\t%s_%s = %u,\n", upper(e->name), upper(e->words[k].s),
				e->words[k].number);
		put(o, "};\nextern const struct msg_enum_word %s_words[];\n\n", e->name);
	}
}

static void put_struct(struct out *o, const struct message *msg)
{
	if (msg->help != NULL && *msg->help != '\0')
		put(o, "/* %s */\n", msg->help);
	put(o, "struct m_%s {\n\tuint64_t has;\n", msg->name);
	for (size_t i = 0; i < msg->n; i++)
		put_member(o, &msg->fields[i]);
	put(o, "};\n");
	for (size_t i = 0; i < msg->n; i++)
		put(o, "#define HAS_%s__%s ((uint64_t)1 << %zu)\n", upper(msg->name),
			upper(msg->fields[i].name), i);
	if (msg->id != 0)
		put(o, "#define MSG_%s 0x%04x\n", upper(msg->name), msg->id);
	put(o, "extern const struct msg_desc m_%s_desc;\n\n", msg->name);
}

static void put_field(struct out *o, const struct message *msg, const struct field *f)
{
	put(o, "\t{.name = \"%s\", .tag = %u, .type = MSG_%s, .list = %d, .required = %d, ",
		f->name, f->tag, upper(type_words[f->type]), f->list, f->required);
	put(o, ".secret = %d, .max = %llu, .max_items = %llu,\n\t\t", f->secret,
		(unsigned long long)f->max, (unsigned long long)f->max_items);
	put(o, ".offset = offsetof(struct m_%s, %s), ", msg->name, f->name);
	if (f->list)
		put(o, ".offset_n = offsetof(struct m_%s, %s_n), ", msg->name, f->name);
	if (f->type == Y_STRUCT)
		put(o, ".desc = &m_%s_desc, ", f->of);
	if (f->type == Y_ENUM)
		put(o, ".words = %s_words, ", f->of);
	put(o, ".help = ");
	put_text(o, f->help != NULL ? f->help : "");
	put(o, "},\n");
}

static void put_desc(struct out *o, const struct message *msg)
{
	if (msg->n > 0) {
		put(o, "static const struct msg_field %s_fields[] = {\n", msg->name);
		for (size_t i = 0; i < msg->n; i++)
			put_field(o, msg, &msg->fields[i]);
		put(o, "};\n");
	}
	put(o,
		"const struct msg_desc m_%s_desc = {.name = \"%s\", .id = 0x%04x, .size = "
		"sizeof(struct m_%s),\n",
		msg->name, msg->name, msg->id, msg->name);
	if (msg->n > 0)
		put(o, "\t.fields = %s_fields, .n_fields = %zu, ", msg->name, msg->n);
	if (msg->reply != NULL)
		put(o, ".reply = &m_%s_desc, .right = MSG_%s, .scoped = %s, ", msg->reply,
			upper(msg->right), msg->scoped ? "true" : "false");
	put(o, ".help = ");
	put_text(o, msg->help != NULL ? msg->help : "");
	put(o, "};\n\n");
}

static void put_words(struct out *o, const struct model *m)
{
	for (size_t i = 0; i < m->n_enums; i++) {
		const struct enumeration *e = &m->enums[i];
		put(o, "const struct msg_enum_word %s_words[] = {", e->name);
		for (size_t k = 0; k < e->n; k++)
			put(o, "{\"%s\", %u}, ", e->words[k].s, e->words[k].number);
		put(o, "{NULL, 0}};\n");
	}
	put(o, "\n");
}

static int by_id(const void *a, const void *b)
{
	const struct message *x = *(const struct message *const *)a;
	const struct message *y = *(const struct message *const *)b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_name(const void *a, const void *b)
{
	const struct message *x = *(const struct message *const *)a;
	const struct message *y = *(const struct message *const *)b;

	return strcmp(x->name, y->name);
}

static void put_index(struct out *o, const char *name, const struct message **all, size_t n)
{
	put(o, "static const struct msg_desc *const %s[] = {", name);
	for (size_t i = 0; i < n; i++)
		put(o, "%s&m_%s_desc,", i % 4 == 0 ? "\n\t" : " ", all[i]->name);
	put(o, "\n};\n\n");
}

/* Both indexes are sorted, so that a look-up is a binary search. */
static void put_lookup(struct out *o, const struct model *m)
{
	const struct message **all = take(m->n * sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		if (m->messages[i].id != 0)
			all[n++] = &m->messages[i];
	}
	qsort(all, n, sizeof(*all), by_id);
	put_index(o, "ids", all, n);
	n = 0;
	for (size_t i = 0; i < m->n; i++)
		all[n++] = &m->messages[i];
	qsort(all, n, sizeof(*all), by_name);
	put_index(o, "names", all, n);
	put(o, "const struct msg_desc *const *const msg_all = names;\n"
	       "const size_t msg_all_n = sizeof(names) / sizeof(names[0]);\n\n"
	       "static int cmp_id(const void *key, const void *at)\n{\n"
	       "\treturn *(const uint16_t *)key - (*(const struct msg_desc *const *)at)->id;\n}\n\n"
	       "const struct msg_desc *msg_find(uint16_t id)\n{\n"
	       "\tconst struct msg_desc *const *at =\n"
	       "\t\tbsearch(&id, ids, sizeof(ids) / sizeof(ids[0]), sizeof(ids[0]), cmp_id);\n\n"
	       "\treturn at != NULL ? *at : NULL;\n}\n\n"
	       "static int cmp_name(const void *key, const void *at)\n{\n"
	       "\treturn strcmp(key, (*(const struct msg_desc *const *)at)->name);\n}\n\n"
	       "const struct msg_desc *msg_find_name(const char *name)\n{\n"
	       "\tconst struct msg_desc *const *at =\n"
	       "\t\tbsearch(name, names, msg_all_n, sizeof(names[0]), cmp_name);\n\n"
	       "\treturn at != NULL ? *at : NULL;\n}\n");
}

void make_messages(const struct model *m, const char *dir)
{
	struct out o;

	out_open(&o, dir, "msg.h", "Every message, as a C struct. Rules: schemas/README.md");
	put(&o, "#include \"common/msg/msg.h\"\n\n");
	put_enums(&o, m);
	for (size_t i = 0; i < m->n; i++)
		put(&o, "struct m_%s;\n", m->messages[i].name);
	put(&o, "\n/* HAS_<STRUCT>__<FIELD> is the field's bit in `has`. */\n\n");
	for (size_t i = 0; i < m->n; i++)
		put_struct(&o, &m->messages[i]);
	out_close(&o);

	out_open(&o, dir, "msg.c", "Descriptor tables of every message, sorted for look-up.");
	put(&o, "#include \"gen/msg.h\"\n\n#include <stdlib.h>\n#include <string.h>\n\n");
	put_words(&o, m);
	for (size_t i = 0; i < m->n; i++)
		put_desc(&o, &m->messages[i]);
	put_lookup(&o, m);
	out_close(&o);
}
