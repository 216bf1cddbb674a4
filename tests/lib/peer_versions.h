// SPDX-License-Identifier: Apache-2.0
/* Versions that a pretend storage keeps as files, one for each item: <dir>/<prefix><item>. A source
 * is a directory; what a worker stores becomes a version, too. */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/map.h"
#include "common/clock/clock.h"
#include "common/service/service.h"
#include "gen/errors.h"
#include "gen/msg.h"

#define PEER_ITEMS 40u

struct peer_version {
	struct m_version about;
	struct m_version_item item[PEER_ITEMS];
	char name[PEER_ITEMS][64];
	char path[PEER_ITEMS][512];
	char serial[64];
};

struct peer_reading {
	struct uuid id;
	char path[512];
};

static struct map peer_versions, peer_readings;

static unused struct peer_version *peer_version_new(enum version_kind kind, const char *format)
{
	struct peer_version *v = mem_alloc(sizeof(*v));

	v->about = (struct m_version){.id = uuid_v7(clock_wall_ms()),
		.kind = kind,
		.state = VERSION_STATE_COMMITTED,
		.format = format,
		.items = v->item};
	(void)map_put(&peer_versions, v->about.id.b, 16, v);
	return v;
}

static unused void peer_version_item(struct peer_version *v, const char *name, const char *path)
{
	size_t n = v->about.items_n++;

	bug_if(n == PEER_ITEMS);
	snprintf(v->name[n], sizeof(v->name[n]), "%s", name);
	snprintf(v->path[n], sizeof(v->path[n]), "%s", path);
	v->item[n] = (struct m_version_item){.no = n, .name = v->name[n], .role = ITEM_ROLE_NATIVE};
}

static int peer_by_name(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

/* Every file of a directory is an item. */
static unused struct peer_version *peer_version_of(
	const char *dir, enum version_kind kind, const char *format)
{
	struct peer_version *v = peer_version_new(kind, format);
	struct dirent **names;
	int n = scandir(dir, &names, NULL, peer_by_name);

	bug_if(n < 0);
	for (int i = 0; i < n; i++) {
		char path[512];
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			peer_version_item(v, names[i]->d_name, path);
		free(names[i]);
	}
	free(names);
	return v;
}

static void on_version_get(struct call *call)
{
	const struct m_version_get *m = call->body;
	const struct peer_version *v = map_get(&peer_versions, m->id.b, 16);

	if (v)
		call_reply(call, &(struct m_version_one){.version = &v->about});
	else
		call_refuse(call, CN_NOT_FOUND, "version", "no such version");
}

static void on_version_open(struct call *call)
{
	const struct m_version_open *m = call->body;
	const struct peer_version *v = map_get(&peer_versions, m->id.b, 16);
	struct peer_reading *r;

	for (size_t i = 0; v && i < v->about.items_n; i++) {
		if (strcmp(v->name[i], m->item) != 0)
			continue;
		r = mem_alloc(sizeof(*r));
		r->id = uuid_v7(clock_wall_ms());
		snprintf(r->path, sizeof(r->path), "%s", v->path[i]);
		(void)map_put(&peer_readings, r->id.b, 16, r);
		call_reply(call,
			&(struct m_version_stream){
				.stream = r->id, .name = v->name[i], .format = v->about.format});
		return;
	}
	call_refuse(call, CN_NOT_FOUND, "item", "no such item");
}

static void on_version_read(struct call *call)
{
	const struct m_version_read *m = call->body;
	const struct peer_reading *r = map_get(&peer_readings, m->stream.b, 16);
	uint8_t *piece = arena_alloc(&call->arena, 100000);
	FILE *f = r ? fopen(r->path, "r") : NULL;
	size_t n;

	if (!f) {
		call_refuse(call, CN_NOT_FOUND, "stream", "no such stream");
		return;
	}
	bug_if(fseek(f, (long)m->offset, SEEK_SET) != 0);
	n = fread(piece, 1, 100000, f);
	fclose(f);
	call_reply(call, &(struct m_version_bytes){.bytes = {piece, n}, .last = n < 100000});
}
