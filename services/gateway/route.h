// SPDX-License-Identifier: Apache-2.0
/* Finding the route of a request path. Pure; the table is generated from schemas/routes.tab. */
#pragma once

#include "common/base/arena.h"
#include "gen/routes.h"

#define ROUTE_PARAMS 4

struct route_param {
	const char *name, *value; /* in the arena */
};

struct route_match {
	const struct route *route; /* NULL when the path is known but not with this method */
	struct route_param params[ROUTE_PARAMS];
	size_t n_params;
	const char *allow; /* methods the path knows, "GET, POST", when route is NULL */
};

/* path without the /api/v1 prefix, decoded. 0, or -1 when no route has this path. */
int route_find(const char *method, const char *path, struct arena *arena,
	struct route_match *ret_match) must_check;
/* The value of a path parameter, NULL when the route has none of that name. */
const char *route_param(const struct route_match *m, const char *name);
