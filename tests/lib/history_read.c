// SPDX-License-Identifier: Apache-2.0
/* Lines into calls and requests. */
#include <inttypes.h>
#include <string.h>

#include "tests/lib/history.h"
#include "tests/service/lock_rules.h"

enum { WORDS_MAX = 16 };

/* ---- the rules, once ---- */

static char table[OPS][OPS];

static void make_table(void)
{
	if (rows[0].id[0] != '\0')
		return;
	read_matrix();
	for (size_t i = 0; i < OPS; i++)
		for (size_t k = 0; k < OPS; k++)
			table[i][k] = may(&rows[i], &rows[k]);
}

unsigned history_op(const char *id)
{
	make_table();
	for (unsigned i = 0; i < OPS; i++)
		if (strcmp(rows[i].id, id) == 0)
			return i + 1;
	return 0;
}

const char *history_op_name(unsigned op)
{
	return rows[op - 1].id;
}

char history_may(unsigned later, unsigned earlier)
{
	return table[later - 1][earlier - 1];
}

/* ---- vectors that grow ---- */

static void *more(void *old, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return old;
	size_t grown = *cap > 0 ? *cap * 2 : 1024;
	char *all = mem_realloc(old, grown * size);

	memset(all + *cap * size, 0, (grown - *cap) * size);
	*cap = grown;
	return all;
}

static uint32_t name_of(struct history *h, const char *word)
{
	size_t n = strlen(word);
	uintptr_t known = (uintptr_t)map_get(&h->names, word, n);

	if (known != 0)
		return (uint32_t)known;
	size_t cap = h->names_cap;
	h->name = more(h->name, h->names_n + 1, &cap, sizeof(*h->name));
	cap = h->names_cap;
	h->request_of = more(h->request_of, h->names_n + 1, &cap, sizeof(*h->request_of));
	cap = h->names_cap;
	h->device_of = more(h->device_of, h->names_n + 1, &cap, sizeof(*h->device_of));
	h->names_cap = cap;
	uint32_t number = (uint32_t)++h->names_n;
	h->name[number] = arena_strdup(&h->arena, word);
	(void)map_put(&h->names, word, n, (void *)(uintptr_t)number);
	return number;
}

static uint32_t device_of(struct history *h, const char *word)
{
	uint32_t name = name_of(h, word);

	if (h->device_of[name] == 0) {
		h->device_name = more(
			h->device_name, h->devices_n + 1u, &h->device_cap, sizeof(*h->device_name));
		h->device_of[name] = ++h->devices_n;
		h->device_name[h->devices_n] = name;
	}
	return h->device_of[name];
}

static uint32_t request_of(struct history *h, const char *word)
{
	uint32_t name = name_of(h, word);

	if (h->request_of[name] == 0) {
		h->requests = more(
			h->requests, h->requests_n + 1, &h->requests_cap, sizeof(*h->requests));
		h->requests[++h->requests_n].name = name;
		h->request_of[name] = (uint32_t)h->requests_n;
	}
	return h->request_of[name];
}

/* ---- one line ---- */

struct line {
	char *words[WORDS_MAX];
	size_t n;
};

static void split(char *text, struct line *l)
{
	l->n = 0;
	for (char *w = strsep(&text, " \t\r\n"); w != NULL; w = strsep(&text, " \t\r\n"))
		if (*w != '\0' && l->n < WORDS_MAX)
			l->words[l->n++] = w;
}

/* The value of KEY=… among the words from `from` on; NULL = absent. */
static const char *option(const struct line *l, size_t from, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = from; i < l->n; i++)
		if (strncmp(l->words[i], key, n) == 0 && l->words[i][n] == '=')
			return l->words[i] + n + 1;
	return NULL;
}

static int64_t number(const char *word, int64_t otherwise)
{
	return word != NULL ? strtoll(word, NULL, 10) : otherwise;
}

static int set(struct history *h, const struct line *l)
{
	const struct {
		const char *word;
		int64_t *to;
	} all[] = {{"lease", &h->lease}, {"quarantine", &h->quarantine}, {"silent", &h->silent},
		{"max_hold", &h->max_hold}, {"slack", &h->slack}, {"late", &h->late}};

	for (size_t i = 0; l->n == 3 && i < array_len(all); i++)
		if (strcmp(l->words[1], all[i].word) == 0) {
			*all[i].to = number(l->words[2], 0);
			return 0;
		}
	return -1;
}

/* Content of a first acquire; false: differs from what the request asked before. */
static bool same_devices(const struct history_request *r, const uint32_t *devices, uint32_t n)
{
	return r->devices_n == n && memcmp(r->devices, devices, n * sizeof(*devices)) == 0;
}

static int read_devices(struct history *h, char *list, uint32_t *into, uint32_t *ret_n)
{
	*ret_n = 0;
	for (char *w = strsep(&list, ","); w != NULL && *ret_n < 1000; w = strsep(&list, ","))
		into[(*ret_n)++] = device_of(h, w);
	return *ret_n > 0 ? 0 : -1;
}

/* call N acquire REQUEST DEVICE,… OP DIRECTION options */
static int read_acquire(struct history *h, const struct line *l, struct history_call *c)
{
	uint32_t ids[1000], n;
	unsigned op = l->n >= 9 ? history_op(l->words[7]) : 0;
	const char *under = option(l, 9, "under"), *kind = option(l, 9, "kind");

	if (op == 0 || read_devices(h, l->words[6], ids, &n) < 0)
		return -1;
	uint32_t above = under != NULL ? request_of(h, under) : 0;
	struct history_request *r = &h->requests[c->request];
	int64_t wait = number(option(l, 9, "wait"), 0);
	if (r->devices_n > 0) {
		c->other = !same_devices(r, ids, n) || r->op != op || r->wait != wait ||
			   r->direction != (uint8_t)l->words[8][0] || r->under != above;
		return 0;
	}
	r->client = c->client;
	r->devices = arena_dup(&h->arena, ids, n * sizeof(*ids));
	r->devices_n = n;
	r->op = (uint8_t)op;
	r->direction = (uint8_t)l->words[8][0];
	r->under = above;
	r->hold = kind != NULL && strcmp(kind, "hold") == 0;
	r->wait = wait;
	r->lease = number(option(l, 9, "lease"), h->lease);
	return 0;
}

static size_t open_key(const struct line *l, char *key, size_t size)
{
	return (size_t)snprintf(key, size, "%s %s", l->words[1], l->words[3]);
}

static void chain(struct history *h, uint32_t at)
{
	struct history_request *r = &h->requests[h->calls[at].request];

	if (r->first == 0)
		r->first = at;
	else
		h->calls[r->last].next = at;
	r->last = at;
}

static uint8_t what_of(const char *word)
{
	static const char *const words[] = {[HISTORY_ACQUIRE] = "acquire",
		[HISTORY_RENEW] = "renew",
		[HISTORY_RELEASE] = "release",
		[HISTORY_CANCEL] = "cancel",
		[HISTORY_STORE] = "store"};

	for (unsigned i = HISTORY_ACQUIRE; i <= HISTORY_STORE; i++)
		if (strcmp(word, words[i]) == 0)
			return (uint8_t)i;
	return 0;
}

static int read_call(struct history *h, const struct line *l)
{
	struct history_call c = {.call = number(l->words[0], 0),
		.ret = HISTORY_NEVER,
		.what = what_of(l->words[4]),
		.client = name_of(h, l->words[1])};
	char key[200];
	size_t at = c.what == HISTORY_STORE ? 6 : 5; /* the request */
	bool token = c.what != HISTORY_ACQUIRE && c.what != HISTORY_CANCEL;

	if (c.what == 0 || l->n < at + 1 + token)
		return -1;
	if (c.what == HISTORY_STORE)
		c.device = device_of(h, l->words[5]);
	c.request = request_of(h, l->words[at]);
	if (token)
		c.token = strtoull(l->words[at + 1], NULL, 10);
	c.unsure = l->n > at + 2 && strcmp(l->words[at + 2], "unsure") == 0;
	if (c.what == HISTORY_ACQUIRE && read_acquire(h, l, &c) < 0)
		return -1;
	h->calls = more(h->calls, h->calls_n + 1, &h->calls_cap, sizeof(*h->calls));
	h->calls[++h->calls_n] = c;
	chain(h, (uint32_t)h->calls_n);
	(void)map_put(&h->open, key, open_key(l, key, sizeof(key)), (void *)(uintptr_t)h->calls_n);
	return 0;
}

/* ---- answers ---- */

static bool restricted(const char *items)
{
	return strstr(items, "indiv_ab_") != NULL ||
	       strstr(items, "personal_setting_info") != NULL ||
	       strstr(items, "user_group_address_list") != NULL;
}

/* Tokens in the order of the request's devices; -1: other devices, or other tokens than before. */
static int read_grants(struct history *h, struct history_request *r, char *list)
{
	uint64_t *tokens = arena_array(&h->arena, r->devices_n, sizeof(*tokens));
	uint32_t named = 0;

	for (char *w = strsep(&list, ","); w != NULL; w = strsep(&list, ",")) {
		char *colon = strchr(w, ':');
		if (colon == NULL || tokens == NULL)
			return -1;
		*colon = '\0';
		uint32_t device = device_of(h, w);
		for (uint32_t i = 0; i < r->devices_n; i++)
			if (r->devices[i] == device && tokens[i] == 0) {
				tokens[i] = strtoull(colon + 1, NULL, 10);
				named++;
			}
	}
	if (named != r->devices_n)
		return 1;
	if (r->tokens != NULL)
		return memcmp(r->tokens, tokens, named * sizeof(*tokens)) == 0 ? 0 : 2;
	r->tokens = tokens;
	return 0;
}

static int result_of(const char *word)
{
	static const char *const words[] = {[HISTORY_GRANTED] = "granted",
		[HISTORY_QUEUED] = "queued",
		[HISTORY_BUSY] = "busy",
		[HISTORY_REFUSED] = "refused",
		[HISTORY_CANCELLED] = "cancelled",
		[HISTORY_LOST] = "lost",
		[HISTORY_OK] = "ok"};

	for (int i = HISTORY_GRANTED; i <= HISTORY_OK; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	return -1;
}

static void convict(struct history *h, const struct history_request *r, const char *what)
{
	if (h->convicted == NULL)
		h->convicted = arena_printf(&h->arena, "%s %s (I9)", h->name[r->name], what);
}

static int read_ret(struct history *h, const struct line *l)
{
	char key[200];
	uintptr_t at = (uintptr_t)map_remove(&h->open, key, open_key(l, key, sizeof(key)));
	int result = result_of(l->words[4]);

	if (at == 0 || result < 0)
		return -1;
	struct history_call *c = &h->calls[at];
	struct history_request *r = &h->requests[c->request];
	const char *items = option(l, 5, "items");
	c->ret = number(l->words[0], 0);
	c->result = (uint8_t)result;
	r->synced_items |= items != NULL && restricted(items);
	if (result == HISTORY_QUEUED && l->n > 5) {
		c->token = strtoull(l->words[5], NULL, 10);
		r->ticket = c->token;
	}
	if (result != HISTORY_GRANTED || c->other)
		return 0;
	int bad = l->n > 5 ? read_grants(h, r, l->words[5]) : -1;
	if (bad > 0)
		convict(h, r,
			bad == 1 ? "was not granted exactly the devices that it asked for"
				 : "was granted again, with other tokens");
	return bad < 0 ? -1 : 0;
}

static int read_line(struct history *h, char *text)
{
	struct line l;

	if (text[0] == '#') {
		if (h->sentence == NULL)
			h->sentence = arena_strndup(&h->arena, text + 2, strcspn(text + 2, "\n"));
		return 0;
	}
	split(text, &l);
	if (l.n == 0)
		return 0;
	if (strcmp(l.words[0], "set") == 0)
		return set(h, &l);
	if (l.n >= 6 && strcmp(l.words[2], "call") == 0)
		return read_call(h, &l);
	return l.n >= 5 && strcmp(l.words[2], "ret") == 0 ? read_ret(h, &l) : -1;
}

int history_read(struct history *h, FILE *from, char *why, size_t why_n)
{
	char *text = NULL;
	size_t size = 0, n = 0;
	int rc = 0;

	*h = (struct history){.lease = 30000,
		.quarantine = 60000,
		.silent = 15000,
		.max_hold = 3600000,
		.late = HISTORY_NEVER};
	arena_init(&h->arena, 0);
	make_table();
	while (rc == 0 && getline(&text, &size, from) > 0) {
		n++;
		rc = text[0] == '#' && text[1] == '\n' ? 0 : read_line(h, text);
	}
	if (rc < 0)
		(void)snprintf(why, why_n, "line %zu is none of a history", n);
	free(text);
	map_fini(&h->open);
	return rc;
}

void history_fini(struct history *h)
{
	map_fini(&h->names);
	map_fini(&h->open);
	arena_fini(&h->arena);
	free(h->name);
	free(h->calls);
	free(h->requests);
	free(h->request_of);
	free(h->device_of);
	free(h->device_name);
}
