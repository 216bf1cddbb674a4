// SPDX-License-Identifier: Apache-2.0
#include "common/msg/scope.h"

#include <string.h>

static bool is_thing(const char *t)
{
	return strcmp(t, "*") == 0 || (strncmp(t, "site:", 5) == 0 && t[5] != '\0') ||
	       (strncmp(t, "group:", 6) == 0 && t[6] != '\0');
}

bool scope_next(const char **at, enum msg_right *ret_role, char ret_thing[static SCOPE_THING_MAX])
{
	while (**at != '\0') {
		const char *line = *at;
		size_t n = strcspn(line, "\n");

		*at = line + n + (line[n] == '\n');
		if (n < 3 || n - 2 >= SCOPE_THING_MAX || line[1] != ' ' ||
			line[0] < '0' + MSG_VIEWER || line[0] > '0' + MSG_AUDITOR)
			continue;
		memcpy(ret_thing, line + 2, n - 2);
		ret_thing[n - 2] = '\0';
		*ret_role = (enum msg_right)(line[0] - '0');
		if (is_thing(ret_thing))
			return true;
	}
	return false;
}

enum scope_reach scope_reach(
	const char *scope, enum msg_right right, struct arena *arena, const char **ret_things)
{
	char *things = arena_alloc(arena, strlen(scope) + 1);
	char thing[SCOPE_THING_MAX];
	enum msg_right role;
	size_t n = 0;

	bug_if(things == NULL); /* without it too much would be seen, or nothing */
	while (scope_next(&scope, &role, thing)) {
		if (!msg_may(role, right))
			continue;
		if (strcmp(thing, "*") == 0)
			return SCOPE_ALL;
		if (n > 0)
			things[n++] = '\n';
		memcpy(things + n, thing, strlen(thing));
		n += strlen(thing);
	}
	if (n == 0)
		return SCOPE_NOTHING;
	things[n] = '\0';
	*ret_things = things;
	return SCOPE_PART;
}

enum msg_right scope_role(const char *scope, enum msg_right right)
{
	enum msg_right role, least = MSG_INTERNAL;
	char thing[SCOPE_THING_MAX];

	while (scope_next(&scope, &role, thing))
		if (msg_may(role, right) && (least == MSG_INTERNAL || role < least))
			least = role;
	return least;
}

int scope_add(struct buf *lines, enum msg_right role, const char *kind, const char *name)
{
	size_t n = strlen(kind) + strlen(name);

	if (n >= SCOPE_THING_MAX || strpbrk(name, "\r\n") != NULL ||
		lines->n + n + 4 > MSG_SCOPE_MAX)
		return -1;
	buf_addf(lines, "%s%d %s%s", lines->n > 0 ? "\n" : "", (int)role, kind, name);
	return lines->err ? -1 : 0;
}
