// SPDX-License-Identifier: Apache-2.0
/* What may start beside what, written anew for the tests: from the columns of schemas/matrix.csv
 * and the words of docs/spec/locks.md sections 1 to 3.1, profile generic. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/base.h"

#define OPS 24u

struct row {
	char id[32];
	bool may_start_during; /* C1 */
	char beside;           /* C2: y, n, p */
};

static struct row rows[OPS];

static void read_matrix(void)
{
	FILE *f = fopen("schemas/matrix.csv", "r");
	char line[1024];
	size_t n = 0;

	if (f == NULL || fgets(line, sizeof(line), f) == NULL)
		abort();
	while (n < 20 && fgets(line, sizeof(line), f) != NULL) {
		char *rest = line, *column[10];
		for (size_t i = 0; i < 10; i++)
			column[i] = strsep(&rest, ",\n");
		(void)snprintf(rows[n].id, sizeof(rows[n].id), "%s", column[0]);
		rows[n].may_start_during = strcmp(column[5], "yes") == 0;
		rows[n].beside = column[6][0];
		n++;
	}
	(void)fclose(f);
	bug_if(n != 20);
	static const char *const inner[] = {"sync_control", "restart", "session", "other_activity"};
	for (size_t i = 0; i < 4; i++)
		(void)snprintf(rows[n + i].id, sizeof(rows[0].id), "%s", inner[i]);
}

static bool in(const char *op, const char *words)
{
	const char *at = strstr(words, op);
	size_t n = strlen(op);

	while (at != NULL && !((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0')))
		at = strstr(at + 1, op);
	return at != NULL;
}

static unused bool observed_only(const char *op)
{
	return in(op, "panel web_content web_error sleep error_code other_activity");
}

static unused const char *kind_of(const char *op)
{
	return in(op, "sync_control restart session") ? "own" : "declared";
}

static bool exclusive(const char *op)
{
	return in(op, "indiv_ie batch_ie sync_control restart");
}

/* 'y', 'n' or 'p' (some items): may the later one start, given the earlier one? */
static unused char may(const struct row *later, const struct row *earlier)
{
	static const char areas[] = "dist mbox_backup workflow_ie sw_update";
	const char *l = later->id, *e = earlier->id;

	if (strcmp(l, "session") == 0 || strcmp(e, "session") == 0) {
		const char *other = strcmp(l, "session") == 0 ? e : l;
		return exclusive(other) || strcmp(other, "session") == 0 ? 'n' : 'y';
	}
	if (exclusive(l) && exclusive(e))
		return 'n';
	if (exclusive(l) && strcmp(e, "sync") == 0)
		return in(l, "sync_control restart") ? 'y' : 'p';
	if (strcmp(l, "restart") == 0 && !in(e, "rui sleep"))
		return 'n'; /* strict */
	if (exclusive(l))
		return strcmp(e, "other_activity") == 0 ? 'y' : earlier->beside;
	if (exclusive(e))
		return later->may_start_during ? 'y' : 'n';
	if (in(l, areas) && in(e, areas))
		return 'n';
	if ((strcmp(l, "sync") == 0 && in(e, "dist sw_update sync")) ||
		(strcmp(e, "sync") == 0 && in(l, "dist sw_update sync")))
		return 'n';
	if (strcmp(e, "shutdown") == 0 && (in(l, areas) || strcmp(l, "sync") == 0))
		return 'n';
	return 'y';
}
