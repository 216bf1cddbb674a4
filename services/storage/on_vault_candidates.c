// SPDX-License-Identifier: Apache-2.0
/* vault_candidates: the media of this machine that may hold a vault (ST-82). */
#include "services/storage/storage.h"
#include "services/storage/vaults/placement.h"

#define CANDIDATES 64

struct choice {
	struct call *call;
	struct placement_candidate found[CANDIDATES];
	struct uuid vault[CANDIDATES];
	size_t n;
};

/* Blocks: work pool. */
static void look(void *arg)
{
	struct choice *c = arg;
	const struct storage_config *config = app.config;
	const struct placement_ask ask = {.primary = config->vault_dir,
		.kek_file = config->kek_file,
		.database = config->common.database,
		.database_disk = config->database_disk,
		.system_disks = config->system_disks,
		.accept_reason = ""};
	c->n = placement_candidates(&ask, c->found, CANDIDATES);
	for (size_t i = 0; i < c->n; i++) {
		struct vault there;
		struct fault f = FAULT_INIT;
		if (vault_open_medium(&there, c->found[i].path, &f) < 0)
			continue;
		c->vault[i] = there.id;
		vault_close(&there);
	}
}

static void answer(void *arg)
{
	struct choice *c = arg;
	struct m_vault_candidate *items = arena_array(&c->call->arena, c->n + 1, sizeof(*items));
	bug_if(items == NULL);
	for (size_t i = 0; i < c->n; i++) {
		const struct placement_candidate *p = &c->found[i];
		items[i] = (struct m_vault_candidate){.has = HAS_VAULT_CANDIDATE__REMOVABLE,
			.path = p->path,
			.label = p->label,
			.type = p->type,
			.disks = p->disks,
			.size = p->size,
			.free = p->free,
			.removable = p->removable,
			.verdict = placement_word(p->placement.verdict),
			.why = p->placement.why,
			.vault = c->vault[i]};
	}
	const struct m_vault_candidate_page page = {.items = items, .items_n = c->n};
	call_reply(c->call, &page);
}

void on_vault_candidates(struct call *call)
{
	struct choice *c = arena_alloc(&call->arena, sizeof(*c));
	bug_if(c == NULL);
	c->call = call;
	loop_work(app.service->loop, look, answer, c);
}
