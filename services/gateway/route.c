// SPDX-License-Identifier: Apache-2.0
/* Finding the route of a request path. A template is segments; {name} takes one segment, and a
 * literal after it (":run") must close the segment. */
#include "services/gateway/route.h"

#include <string.h>

/* One template against one path; fills params. */
static bool matches(
	const char *template, const char *path, struct arena *arena, struct route_match *m)
{
	m->n_params = 0;
	while (*template != '\0') {
		if (*template != '{') {
			if (*template ++ != *path++)
				return false;
			continue;
		}
		const char *close = strchr(template, '}');
		bug_if(close == NULL || m->n_params == ROUTE_PARAMS);
		/* a verb such as ":run" ends the segment; ids and names hold no colon */
		size_t n = strcspn(path, "/:");
		if (n == 0)
			return false;
		m->params[m->n_params++] = (struct route_param){
			.name = arena_strndup(arena, template + 1, (size_t)(close - template - 1)),
			.value = arena_strndup(arena, path, n),
		};
		template = close + 1;
		path += n;
	}
	return *path == '\0';
}

int route_find(
	const char *method, const char *path, struct arena *arena, struct route_match *ret_match)
{
	struct route_match m = {.allow = ""};

	for (size_t i = 0; i < routes_n; i++) {
		if (!matches(routes[i].path, path, arena, &m))
			continue;
		if (strcmp(routes[i].method, method) == 0) {
			m.route = &routes[i];
			*ret_match = m;
			return 0;
		}
		m.allow = arena_printf(
			arena, "%s%s%s", m.allow, *m.allow != '\0' ? ", " : "", routes[i].method);
	}
	if (m.allow == NULL || *m.allow == '\0')
		return -1;
	m.route = NULL;
	*ret_match = m;
	return 0;
}

const char *route_param(const struct route_match *m, const char *name)
{
	for (size_t i = 0; i < m->n_params; i++)
		if (strcmp(m->params[i].name, name) == 0)
			return m->params[i].value;
	return NULL;
}
