// SPDX-License-Identifier: Apache-2.0
/* Profiles, read once from the files that are built in. What is wrong in them is our own mistake.
 */
#include "common/book/profile.h"

#include <jansson.h>
#include <pthread.h>
#include <string.h>

#include "common/base/ascii.h"
#include "gen/profiles.h"

#define PROFILES_MAX 64u

static struct arena memory;
static const struct book_profile *all[PROFILES_MAX + 1];
static size_t n_all;

static void *take(size_t n, size_t size)
{
	void *p = arena_array(&memory, n + 1, size);

	bug_if(p == NULL);
	return p;
}

static const char *text_of(const json_t *j)
{
	if (j == NULL)
		return "";
	bug_if(!json_is_string(j));
	const char *s = arena_strdup(&memory, json_string_value(j));
	bug_if(s == NULL);
	return s;
}

static const char *text_at(const json_t *o, const char *name)
{
	return text_of(json_object_get(o, name));
}

/* 0 = unknown */
static uint32_t count_at(const json_t *o, const char *name)
{
	return (uint32_t)json_integer_value(json_object_get(o, name));
}

static bool flag_at(const json_t *o, const char *name)
{
	return json_is_true(json_object_get(o, name));
}

static const char *const *texts_at(const json_t *o, const char *name)
{
	const json_t *a = json_object_get(o, name);
	size_t n = json_array_size(a);
	const char **v = take(n, sizeof(*v));

	for (size_t i = 0; i < n; i++)
		v[i] = text_of(json_array_get(a, i));
	return v;
}

static uint32_t word_at(const json_t *o, const char *name, const char *const *words, uint32_t n)
{
	const char *s = text_at(o, name);
	uint32_t i = 0;

	while (i < n && strcmp(s, words[i]) != 0)
		i++;
	bug_if(i == n);
	return i;
}

/* "entry" or the name of a kind */
static enum dest_kind kind_at(const json_t *o)
{
	const char *s = json_string_value(json_object_get(o, "kind"));

	bug_if(s == NULL);
	if (strcmp(s, "entry") == 0)
		return DEST_NONE;
	int kind = dest_kind_named(s);
	bug_if(kind < 0);
	return (enum dest_kind)kind;
}

static enum book_field field_at(const json_t *o)
{
	enum dest_kind kind = kind_at(o);
	enum book_field f = field_named(json_string_value(json_object_get(o, "field")));

	bug_if(f == 0);
	bug_if((field_info(f)->kinds & 1u << kind) == 0);
	return f;
}

static void read_destinations(struct book_profile *p, const json_t *o)
{
	static const char *const together[] = {"any", "kind", "protocol", "one"};
	static const char *const smb[] = {"path", "share", "unc_too", "unc"};
	const json_t *kinds = json_object_get(o, "kinds");

	p->dests = (enum profile_dests)word_at(o, "together", together, array_len(together));
	p->dest_required = flag_at(o, "required");
	p->smb = (enum profile_smb)word_at(o, "smb", smb, array_len(smb));
	p->protocols = texts_at(o, "protocols");
	p->lacks = texts_at(o, "lacks");
	p->kinds = 0;
	for (size_t i = 0; i < json_array_size(kinds); i++) {
		int kind = dest_kind_named(json_string_value(json_array_get(kinds, i)));
		bug_if(kind < 0);
		p->kinds |= 1u << kind;
	}
}

static void read_groups(struct book_profile *p, const json_t *o)
{
	p->members = count_at(json_object_get(o, "members"), "max");
	p->members_grade = text_at(json_object_get(o, "members"), "grade");
	p->group_same_list = flag_at(o, "same_list");
	p->group_on_member = flag_at(o, "on_member");
	p->group_nested = flag_at(o, "nested");
	p->group_no_ask = flag_at(o, "no_ask_password");
}

static void read_tags(struct book_profile *p, const json_t *a)
{
	size_t n = json_array_size(a);
	struct profile_tag *v = take(n, sizeof(*v));

	p->tag = v;
	p->n_tags = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		v[i].system = text_at(json_array_get(a, i), "system");
		v[i].values = texts_at(json_array_get(a, i), "values");
	}
}

static void read_letters(struct book_profile *p, const json_t *o)
{
	const json_t *groups = json_object_get(o, "groups");
	size_t n = json_array_size(groups);
	struct profile_letter *v = take(n, sizeof(*v));

	p->letter_system = text_at(o, "system");
	p->letter = v;
	p->n_letters = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		v[i].value = text_at(json_array_get(groups, i), "value");
		v[i].letters = text_at(json_array_get(groups, i), "letters");
	}
}

static void read_lists(struct book_profile *p, const json_t *a)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(a); i++)
		n += json_array_size(json_object_get(json_array_get(a, i), "slots"));
	struct profile_list *v = take(n, sizeof(*v));
	p->list = v;
	p->n_lists = (uint32_t)n;
	for (size_t i = 0; i < json_array_size(a); i++) {
		const json_t *o = json_array_get(a, i);
		const json_t *slots = json_object_get(o, "slots");
		int kind = list_kind_named(json_string_value(json_object_get(o, "kind")));
		bug_if(kind < 0);
		for (size_t k = 0; k < json_array_size(slots); k++)
			*v++ = (struct profile_list){
				.slot = text_of(json_array_get(slots, k)),
				.kind = (enum list_kind)kind,
				.name = text_at(o, "name"),
				.capacity = count_at(o, "capacity"),
				.first = count_at(o, "first"),
				.last = count_at(o, "last"),
				.pool = count_at(o, "together") ? (uint32_t)i + 1 : 0,
				.together = count_at(o, "together"),
				.grade = text_at(o, "grade"),
			};
	}
}

static void read_limits(struct book_profile *p, const json_t *a)
{
	size_t n = json_array_size(a);
	struct profile_limit *v = take(n, sizeof(*v));

	p->limit = v;
	p->n_limits = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		const json_t *o = json_array_get(a, i);
		v[i].kind = kind_at(o);
		v[i].field = field_at(o);
		v[i].max = count_at(o, "max");
		v[i].bytes = strcmp(text_at(o, "unit"), "bytes") == 0;
		v[i].grade = text_at(o, "grade");
	}
}

static void read_defaults(struct book_profile *p, const json_t *a)
{
	size_t n = json_array_size(a);
	struct profile_default *v = take(n, sizeof(*v));

	p->defaults = v;
	p->n_defaults = (uint32_t)n;
	for (size_t i = 0; i < n; i++) {
		const json_t *o = json_array_get(a, i);
		v[i].kind = kind_at(o);
		v[i].field = field_at(o);
		v[i].value = text_at(o, "value");
	}
}

static void read_flags(struct book_profile *p, const json_t *o)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {{"neutral", &p->neutral}, {"key_uuid", &p->key_uuid},
		{"tags_once", &p->tags_once}, {"whole_model", &p->whole_model},
		{"list_names", &p->list_names}, {"numbers_required", &p->numbers_required}};

	for (size_t i = 0; i < array_len(flags); i++)
		if (json_object_get(o, flags[i].name))
			*flags[i].flag = flag_at(o, flags[i].name);
}

/* A member that is not there leaves what p has: a variant says only what differs. */
static void read_profile(struct book_profile *p, const json_t *o)
{
	static const struct {
		const char *name;
		void (*read)(struct book_profile *p, const json_t *value);
	} parts[] = {{"destinations", read_destinations}, {"groups", read_groups},
		{"tags", read_tags}, {"letters", read_letters}, {"lists", read_lists},
		{"limits", read_limits}, {"defaults", read_defaults}};
	const json_t *v;

	for (size_t i = 0; i < array_len(parts); i++)
		if ((v = json_object_get(o, parts[i].name)))
			parts[i].read(p, v);
	if ((v = json_object_get(o, "entries"))) {
		p->entries = count_at(v, "max");
		p->entries_grade = text_at(v, "grade");
	}
	if ((v = json_object_get(o, "names")))
		p->name_required = flag_at(v, "required");
	if ((v = json_object_get(o, "title")))
		p->title = text_of(v);
	if ((v = json_object_get(o, "codec")))
		p->codec = text_of(v);
	if ((v = json_object_get(o, "charset")))
		p->charset = text_of(v);
	if ((v = json_object_get(o, "controls")))
		p->controls = text_of(v);
	read_flags(p, o);
	if (json_object_get(o, "volatile_extras"))
		p->volatile_extras = texts_at(o, "volatile_extras");
	if (json_object_get(o, "side_effects"))
		p->side_effects = texts_at(o, "side_effects");
	p->models = texts_at(o, "models");
}

static struct book_profile *add_profile(const struct book_profile *from)
{
	struct book_profile *p = take(1, sizeof(*p));

	bug_if(n_all == PROFILES_MAX);
	if (from)
		*p = *from;
	all[n_all++] = p;
	return p;
}

static void read_file(const struct profile_file *f)
{
	json_error_t err;
	json_t *o = json_loadb(
		(const char *)f->bytes, f->n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &err);
	bug_if(o == NULL);
	struct book_profile *p = add_profile(NULL);
	const json_t *variants = json_object_get(o, "variants");

	p->family = p->name = text_at(o, "family");
	read_profile(p, o);
	for (size_t i = 0; i < json_array_size(variants); i++) {
		const json_t *v = json_array_get(variants, i);
		struct book_profile *q = add_profile(p);
		q->name = arena_printf(&memory, "%s/%s", p->name, text_at(v, "name"));
		bug_if(q->name == NULL);
		read_profile(q, v);
	}
	json_decref(o);
}

static void read_all(void)
{
	arena_init(&memory, 0);
	for (size_t i = 0; i < PROFILE_FILES; i++)
		read_file(&profile_files[i]);
}

const struct book_profile *const *profiles(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	bug_if(pthread_once(&once, read_all) != 0);
	return all;
}

const struct book_profile *profile_named(const char *name)
{
	const struct book_profile *const *p = profiles();

	for (size_t i = 0; p[i]; i++)
		if (strcmp(p[i]->name, name) == 0)
			return p[i];
	for (size_t i = 0; p[i]; i++)
		if (strcmp(p[i]->codec, name) == 0)
			return p[i];
	return NULL;
}

const struct book_profile *profile_for(const char *family, const char *model)
{
	const struct book_profile *const *p = profiles();

	for (size_t i = 0; model && p[i]; i++) {
		if (strcmp(p[i]->family, family) != 0)
			continue;
		for (const char *const *m = p[i]->models; *m; m++)
			if (ascii_same(*m, model))
				return p[i];
	}
	return profile_named(family);
}

uint32_t profile_place(const struct book_profile *p, enum dest_kind kind, const char *protocol)
{
	uint32_t i = 0;

	if (p->dests == DESTS_ANY || p->dests == DESTS_ONE)
		return 0;
	if (p->dests == DESTS_KIND || kind != DEST_FILE)
		return (uint32_t)kind;
	while (p->protocols[i] && DEST_KINDS + i + 1 < PROFILE_PLACES &&
		strcmp(p->protocols[i], protocol ? protocol : "") != 0)
		i++;
	return DEST_KINDS + i;
}
