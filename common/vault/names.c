// SPDX-License-Identifier: Apache-2.0
/* Names in a folder of the medium. */
#include "common/vault/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add(void *arg, const char *name)
{
	struct names *n = arg;
	if ((n->n & (n->n + 1)) == 0) /* room doubles whenever n + 1 is a power of two */
		n->names = mem_realloc(n->names, (2 * n->n + 2) * sizeof(*n->names));
	n->names[n->n++] = mem_strdup(name);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	char *const *x = a, *const *y = b;
	return strcmp(*x, *y);
}

int names_read(const struct vault *v, const char *folder, struct names *ret, struct fault *reterr)
{
	struct names n = {.n = 0};
	if (vault_list(v, folder, add, &n, reterr) < 0) {
		names_fini(&n);
		return -1;
	}
	if (n.n > 1)
		qsort(n.names, n.n, sizeof(*n.names), by_name);
	*ret = n;
	return 0;
}

void names_fini(struct names *n)
{
	for (size_t i = 0; i < n->n; i++)
		free(n->names[i]);
	free((void *)n->names);
	*n = (struct names){.n = 0};
}

bool version_name(
	const char *name, uint64_t *ret_generation, struct uuid *ret_id, const char **ret_suffix)
{
	char again[64], id[UUID_TEXT];
	const char *dash = strchr(name, '-');
	if (dash == NULL || strlen(dash + 1) < 36 + 2 || dash[37] != '.')
		return false;
	(void)snprintf(id, sizeof(id), "%.36s", dash + 1);
	*ret_generation = strtoull(name, NULL, 10);
	*ret_suffix = dash + 38;
	if (uuid_parse(id, ret_id) < 0 || *ret_generation == 0)
		return false;
	(void)snprintf(again, sizeof(again), "%llu-%s", (unsigned long long)*ret_generation,
		uuid_format(ret_id, id));
	return strncmp(name, again, strlen(again)) == 0;
}
