// SPDX-License-Identifier: Apache-2.0
/* Assignments as people give them, and as lines of a scope. */
#include "services/gateway/scope.h"

#include <string.h>

#define PARTS_MAX ((size_t)100) /* groups and sites of one person */

static const enum msg_right ranks[] = {MSG_ADMIN, MSG_OPERATOR, MSG_VIEWER, MSG_AUDITOR};

enum scope_reach person_reach(const struct person *who, enum msg_right right, struct arena *arena)
{
	const char *things;

	if (who->scope != NULL)
		return scope_reach(who->scope, right, arena, &things);
	return msg_may(who->right, right) ? SCOPE_ALL : SCOPE_NOTHING;
}

/* Who may do what this right is for, beside administrators. */
static const char *role_for(enum msg_right right)
{
	return right == MSG_READER    ? "viewer"
	       : right == MSG_AUDITOR ? "auditor"
				      : msg_word(role_words, (int)right);
}

bool rest_reaches(struct rest *r, const struct msg_desc *request)
{
	enum scope_reach reach = person_reach(&r->who, request->right, r->arena);

	if (reach == SCOPE_NOTHING)
		rest_refuse(r, CN_PERMISSION_DENIED, "role", "%s %s needs the role %s",
			http_method(r->http), r->object, role_for(request->right));
	else if (reach == SCOPE_PART && !request->scoped)
		rest_refuse(r, CN_OUT_OF_SCOPE, "scope",
			"%s %s is only for those who may see everything", http_method(r->http),
			r->object);
	else
		return true;
	return false;
}

/* ---- lines → assignments ---- */

static size_t count_lines(const char *lines)
{
	size_t n = 1;

	for (; *lines != '\0'; lines++)
		n += *lines == '\n';
	return n;
}

static bool take_role(
	struct m_assignment *a, const char *lines, enum msg_right wanted, struct arena *arena)
{
	const char **groups = arena_array(arena, count_lines(lines), sizeof(*groups));
	const char **sites = arena_array(arena, count_lines(lines), sizeof(*sites));
	char thing[SCOPE_THING_MAX];
	enum msg_right role;
	bool everywhere = false;

	bug_if(groups == NULL || sites == NULL);
	*a = (struct m_assignment){.role = (int)wanted, .groups = groups, .sites = sites};
	while (scope_next(&lines, &role, thing)) {
		const char *name = strchr(thing, ':');
		if (role != wanted)
			continue;
		if (name == NULL)
			everywhere = true;
		else if (*thing == 'g')
			groups[a->groups_n++] = arena_strdup(arena, name + 1);
		else
			sites[a->sites_n++] = arena_strdup(arena, name + 1);
	}
	if (everywhere)
		a->groups_n = a->sites_n = 0;
	return everywhere || a->groups_n + a->sites_n > 0;
}

struct scope_shown scope_show(const char *lines, struct arena *arena)
{
	struct m_assignment *items = arena_array(arena, array_len(ranks), sizeof(*items));
	struct scope_shown s = {.items = items};

	bug_if(items == NULL);
	for (size_t i = 0; lines != NULL && i < array_len(ranks); i++)
		s.n += take_role(&items[s.n], lines, ranks[i], arena);
	return s;
}

/* ---- assignments → lines ---- */

struct take {
	struct rest *r;
	const struct m_assignment *items;
	size_t n;
	void (*then)(void *arg, const struct scope_taken *taken);
	void *arg;
	struct m_scope_find ask;
	struct scope_taken taken;
};

static const struct m_scope_group *group_of(const struct m_scope_found *m, const char *ref)
{
	for (size_t i = 0; i < m->groups_n; i++)
		if (strcmp(m->groups[i].ref, ref) == 0)
			return &m->groups[i];
	return NULL;
}

static bool has_site(const struct m_scope_found *m, const char *site)
{
	for (size_t i = 0; i < m->sites_n; i++)
		if (strcmp(m->sites[i], site) == 0)
			return true;
	return false;
}

/* A filter looks at what an operator may change: its members would come and go by themselves. */
static bool add_group(struct take *t, const struct m_scope_found *m, struct buf *lines,
	enum msg_right role, const char *ref)
{
	const struct m_scope_group *g = group_of(m, ref);
	char id[UUID_TEXT];

	if (g == NULL)
		rest_refuse(t->r, CN_VALIDATION_FAILED, "unknown_reference",
			"there is no group '%.128s'", ref);
	else if (g->kind == GROUP_KIND_DYNAMIC)
		rest_refuse(t->r, CN_VALIDATION_FAILED, "group_kind",
			"group '%.128s' is a filter: only listed members count for scopes", ref);
	else
		return scope_add(lines, role, "group:", uuid_format(&g->id, id)) == 0;
	return false;
}

static bool add_site(struct take *t, const struct m_scope_found *m, struct buf *lines,
	enum msg_right role, const char *site)
{
	if (has_site(m, site) && scope_add(lines, role, "site:", site) == 0)
		return true;
	rest_refuse(
		t->r, CN_VALIDATION_FAILED, "unknown_reference", "there is no site '%.64s'", site);
	return false;
}

static bool add(struct take *t, const struct m_scope_found *m, struct buf *lines,
	const struct m_assignment *a)
{
	enum msg_right role = (enum msg_right)a->role;

	for (size_t i = 0; i < a->groups_n; i++)
		if (!add_group(t, m, lines, role, a->groups[i]))
			return false;
	for (size_t i = 0; i < a->sites_n; i++)
		if (!add_site(t, m, lines, role, a->sites[i]))
			return false;
	return a->groups_n + a->sites_n > 0 || scope_add(lines, role, "*", "") == 0;
}

const char *scope_role_of(const struct scope_taken *taken, int role)
{
	if (taken != NULL && taken->role != MSG_INTERNAL)
		return msg_word(role_words, (int)taken->role);
	return role == 0 ? NULL : msg_word(role_words, role);
}

static enum msg_right highest(const struct m_assignment *items, size_t n)
{
	for (size_t r = 0; r < array_len(ranks); r++)
		for (size_t i = 0; i < n; i++)
			if ((enum msg_right)items[i].role == ranks[r])
				return ranks[r];
	return MSG_INTERNAL;
}

static void found(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	struct take *t = arg;
	struct buf lines = BUF_INIT;
	bool good = f == NULL;

	(void)instance;
	if (f != NULL)
		rest_fault(t->r, f);
	for (size_t i = 0; good && i < t->n; i++)
		good = add(t, body, &lines, &t->items[i]);
	t->taken.role = highest(t->items, t->n);
	t->taken.lines = arena_strdup(t->r->arena, lines.n == 0 ? "" : buf_str(&lines));
	bug_if(t->taken.lines == NULL);
	buf_fini(&lines);
	if (good)
		t->then(t->arg, &t->taken);
}

/* All that is named, to be asked for at once. */
static bool gather(struct take *t)
{
	const char **groups = arena_array(t->r->arena, PARTS_MAX + 1, sizeof(*groups));
	const char **sites = arena_array(t->r->arena, PARTS_MAX + 1, sizeof(*sites));
	struct m_scope_find *m = &t->ask;

	bug_if(groups == NULL || sites == NULL);
	m->groups = groups;
	m->sites = sites;
	for (size_t i = 0; i < t->n; i++) {
		const struct m_assignment *a = &t->items[i];
		if (a->role == 0) {
			rest_refuse(t->r, CN_VALIDATION_FAILED, "required",
				"assignments[%zu].role: is required", i);
			return false;
		}
		if (m->groups_n + m->sites_n + a->groups_n + a->sites_n > PARTS_MAX) {
			rest_refuse(t->r, CN_VALIDATION_FAILED, "too_many",
				"assignments: at most %zu groups and sites; make a group of groups",
				PARTS_MAX);
			return false;
		}
		for (size_t g = 0; g < a->groups_n; g++)
			groups[m->groups_n++] = a->groups[g];
		for (size_t s = 0; s < a->sites_n; s++)
			sites[m->sites_n++] = a->sites[s];
	}
	return true;
}

void scope_take(struct rest *r, const struct m_assignment *items, size_t n,
	void (*then)(void *arg, const struct scope_taken *taken), void *arg)
{
	struct take *t = arena_alloc(r->arena, sizeof(*t));
	struct peer_opts opts = rest_opts(r);

	bug_if(t == NULL);
	*t = (struct take){.r = r, .items = items, .n = n, .then = then, .arg = arg};
	opts.request = (struct uuid){.b = {0}};
	if (!gather(t))
		return;
	if (t->ask.groups_n + t->ask.sites_n == 0)
		found(t, &(struct m_scope_found){.has = 0}, NULL, 0);
	else
		peer_call(r->gateway->scheduler, &m_scope_find_desc, &t->ask, &opts, found, t);
}
