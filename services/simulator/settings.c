// SPDX-License-Identifier: Apache-2.0
/* The items of import-export.md section 1 that are no address list: what the machine holds of each,
 * and the file it makes of it. SIMULATED ONLY: no public text gives these formats; the container is
 * our own.
 *
 *     "CARNET-SIM-DCM1\n"   16 bytes
 *     length                8 bytes big-endian, of the whole file
 *     nonce                 12 bytes, from key and content: equal content gives equal bytes
 *     AES-256-GCM           of: lines "name value", an empty line, what the machine holds
 *
 * Batch items have the password of the export, individual ones none. */
#include "services/simulator/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/crypto.h"
#include "common/exchange/item.h"

static const char MAGIC[] = "CARNET-SIM-DCM1\n";

enum { HEAD = sizeof(MAGIC) - 1 + 8 };

/* Into what each item goes back (section 3.6). */
static const struct rule {
	const char *id;
	char classed;
} RULES[] = {
	{"basic_info", 'B'},
	{"paper_types", 'B'},
	{"printer_settings", 'C'},
	{"printer_download_profile", 'A'},
	{"forwarding", 'C'},
	{"box", 'B'},
	{"department_id", 'C'},
	{"key_settings", 'A'},
	{"certificate_crl", 'A'},
	{"visual_message", 'C'},
	{"home", 'C'},
	{"web_access", 'C'},
	{"favorites", 'C'},
	{"address_book", 'C'},
	{"user_group_address_list", 'C'},
	{"auth_users", 'C'},
	{"security_policy", 'B'},
	{"personal_setting_info", 'B'},
	{"meap_settings", 'A'},
	{"indiv_device_settings", 'C'},
	{"indiv_web_favorites", 'C'},
	{"indiv_printer_settings", 'C'},
	{"indiv_paper_info", 'B'},
};

static const struct rule *rule_of(const char *id)
{
	for (size_t i = 0; i < array_len(RULES); i++)
		if (strcmp(RULES[i].id, id) == 0)
			return &RULES[i];
	return NULL;
}

bool setting_is_batch(const char *id)
{
	return strncmp(id, "indiv_", 6) != 0;
}

/* Models with characters of the whole world have a Home screen, too. */
bool setting_offered(const struct device *d, const char *id)
{
	return d->model->type == TYPE_I && rule_of(id) &&
	       (strcmp(id, "home") != 0 || d->model->utf8);
}

/* ---- what the machine holds ---- */

static void made(const struct device *d, const char *id, struct buf *out)
{
	struct rng r =
		rng_of(d->sim->fleet.seed, d->index, RNG_SETTING + (uint32_t)exchange_item_bit(id));

	for (int i = 1; i <= 6; i++)
		buf_addf(out, "%s.%d = %08x\n", id, i, (unsigned)(rng_next(&r) & 0xffffffff));
}

void setting_state(const struct device *d, const char *id, struct buf *out)
{
	const struct canon *c = d->state;
	int bit = exchange_item_bit(id);

	if (strcmp(id, "address_book") == 0)
		dsv_plain(d, book_items(d), out);
	else if (c && c->kept_settings[bit].p)
		buf_add(out, c->kept_settings[bit].p, c->kept_settings[bit].n);
	else
		made(d, id, out);
}

void setting_put(struct device *d, const char *id, struct span state)
{
	struct buf *kept = &canon_of(d)->kept_settings[exchange_item_bit(id)];

	buf_reset(kept);
	buf_add(kept, state.p, state.n);
	buf_addc(kept, 0); /* an empty one is not a made one */
	kept->n--;
	d->config_changes++;
}

/* ---- files ---- */

static struct span text_span(const char *s)
{
	return (struct span){.p = (const uint8_t *)s, .n = strlen(s)};
}

static const char *series_of(const struct device *d, char out[static 24])
{
	const char *end = strrchr(d->model->name, ' ');

	(void)snprintf(out, 24, "%.*s", end ? (int)(end - d->model->name) : 20, d->model->name);
	return out;
}

static void key_of(const char *password, uint8_t key[static KEY_LEN])
{
	hkdf_sha256(text_span(*password ? password : "individual"), text_span("carnet-sim-dcm"),
		text_span("key"), key, KEY_LEN);
}

static void put_head(uint8_t *head, size_t total)
{
	memcpy(head, MAGIC, sizeof(MAGIC) - 1);
	for (size_t i = 0; i < 8; i++)
		head[sizeof(MAGIC) - 1 + i] = (uint8_t)((uint64_t)total >> (56 - 8 * i));
}

static void seal(struct span plain, const char *password, struct buf *out)
{
	uint8_t key[KEY_LEN], mac[SHA256_LEN], head[HEAD];
	uint8_t *sealed = mem_alloc(plain.n + GCM_TAG);

	put_head(head, HEAD + GCM_NONCE + plain.n + GCM_TAG);
	key_of(password, key);
	hmac_sha256((struct span){.p = key, .n = sizeof(key)}, &plain, 1, mac);
	gcm_seal(key, mac, (struct span){.p = head, .n = HEAD}, plain, sealed);
	buf_add(out, head, HEAD);
	buf_add(out, mac, GCM_NONCE);
	buf_add(out, sealed, plain.n + GCM_TAG);
	crypto_wipe(key, sizeof(key));
	free(sealed);
}

void setting_export(const struct device *d, const char *id, const char *password, struct buf *out)
{
	const struct canon *c = d->state;
	struct buf plain = BUF_INIT;
	char series[24];

	buf_addf(&plain, "item %s\nmodel %s\nseries %s\nserial %s\npolicy %s\n\n", id,
		d->model->name, series_of(d, series), d->serial, c ? c->policy : "");
	setting_state(d, id, &plain);
	seal(buf_span(&plain), password, out);
	buf_fini(&plain);
}

static bool open_file(struct span file, const char *password, struct buf *out)
{
	uint8_t key[KEY_LEN], head[HEAD];

	if (file.n < HEAD + GCM_NONCE + GCM_TAG)
		return false;
	put_head(head, file.n);
	if (memcmp(file.p, head, HEAD) != 0)
		return false;
	size_t n = file.n - HEAD - GCM_NONCE - GCM_TAG;
	uint8_t *plain = mem_alloc(n + 1);
	key_of(password, key);
	bool good = gcm_open(key, file.p + HEAD, (struct span){.p = head, .n = HEAD},
			    (struct span){.p = file.p + HEAD + GCM_NONCE, .n = n + GCM_TAG},
			    plain) == 0;
	if (good)
		buf_add(out, plain, n);
	crypto_wipe(key, sizeof(key));
	free(plain);
	return good;
}

/* Value of a line of the head. */
static const char *line(struct arena *a, const struct buf *plain, const char *name)
{
	const char *head_end = strstr(buf_str(plain), "\n\n");
	const char *at = buf_str(plain);
	size_t n = strlen(name);

	for (; at && head_end && at < head_end; at = strchr(at, '\n') + 1)
		if (strncmp(at, name, n) == 0 && at[n] == ' ')
			return arena_strndup(a, at + n + 1, strcspn(at + n + 1, "\n"));
	return "";
}

static bool class_fits(
	const struct device *d, struct arena *a, const struct buf *plain, char classed)
{
	char series[24];

	if (classed == 'C' || strcmp(line(a, plain, "serial"), d->serial) == 0)
		return true;
	return classed == 'B' && strcmp(line(a, plain, "series"), series_of(d, series)) == 0;
}

/* The table of section 3.3. */
static bool policy_fits(const struct device *d, const char *from)
{
	const struct canon *c = d->state;
	const char *to = c ? c->policy : "";

	return strcmp(from, to) == 0 || (*from && !*to);
}

const char *setting_judge(
	struct device *d, struct span file, const char *password, struct setting_file *ret)
{
	struct arena *a = &ret->arena;
	struct buf plain = BUF_INIT;
	const char *says = "imported";

	*ret = (struct setting_file){.id = NULL};
	arena_init(a, 0);
	if (!open_file(file, password, &plain)) {
		buf_fini(&plain);
		return "wrong_password";
	}
	ret->id = line(a, &plain, "item");
	ret->policy = line(a, &plain, "policy");
	const struct rule *rule = rule_of(ret->id);
	const char *state = strstr(buf_str(&plain), "\n\n");
	if (!rule || !state)
		says = "bad_file";
	else if (!setting_offered(d, ret->id) || !class_fits(d, a, &plain, rule->classed))
		says = "skipped_model";
	else if (strcmp(ret->id, "security_policy") == 0 && !policy_fits(d, ret->policy))
		says = "skipped_policy";
	if (state)
		ret->state =
			(struct span){.p = arena_dup(a, state + 2,
					      plain.n - (size_t)(state + 2 - buf_str(&plain)) + 1),
				.n = plain.n - (size_t)(state + 2 - buf_str(&plain))};
	buf_fini(&plain);
	return says;
}
