// SPDX-License-Identifier: Apache-2.0
/* Restore drill (ST-74): newest versions are restored, one after another, to a simulated printer of
 * their family, by the very way by which people restore: a task, a plan, its approval, the worker,
 * the read-back. Then the book that was read back is compared with the version, entry by entry.
 *
 * Who may be overwritten is said twice: the device is simulated and has the label drill=yes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock/clock.h"
#include "services/storage/sql_copies.h"

#define TASK "Restore drill of one version" /* Restore Drill is what orders all this */
#define TARGETS 64
#define LOOK_MS 500
#define RUN_MS ((uint64_t)10 * 60 * 1000)  /* of one run */
#define CHORE_MS ((uint64_t)8 * 60 * 1000) /* then no other is begun: the lease is 15 min */

struct target {
	struct uuid id;
	char family[65], model[65], language[36];
	char lists[1024]; /* of its own newest backup */
};

/* Whatever a plan says is lost is lost on a simulated printer. */
static const char *const accepted[] = {
	"losses", "secrets", "hazards", "language", "not_restorable"};
#define REASON "restore drill on a simulated printer"

static struct {
	struct peer *scheduler, *storage;
	struct drilled list[DRILLS_MAX];
	size_t n, at;
	struct target targets[TARGETS];
	size_t targets_n;
	const struct target *target; /* of list[at] */
	struct uuid run, back;       /* of list[at]; back: what was read back */
	uint64_t changes, secrets;   /* between the two */
	uint64_t began_ms, run_ms;   /* monotonic */
	struct timer *timer;
	unsigned equal, others, without;
	void (*done)(const char *outcome);
	char outcome[160];
} dr;

static void finish(const char *why)
{
	(void)snprintf(dr.outcome, sizeof(dr.outcome),
		"%s%u restored and equal, %u not, %u without a printer to restore to%.80s",
		dr.others > 0 || *why != 0 ? "failed: " : "", dr.equal, dr.others, dr.without, why);
	dr.done(dr.n == 0 && *why == 0 ? "" : dr.outcome);
}

static void next(void);

/* ---- the end of one ---- */

static void told(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)r;
	(void)n;
	(void)arg;
	if (f != NULL) {
		finish("; the catalogue does not answer");
		return;
	}
	dr.at++;
	next();
}

static void conclude(const char *outcome, const char *detail)
{
	const struct drilled *d = &dr.list[dr.at];
	bool equal = strcmp(outcome, "equal") == 0;
	const struct m_drill_done event = {.version = d->version,
		.device = d->device,
		.generation = d->generation,
		.outcome = outcome,
		.detail = detail};
	dr.equal += equal;
	app.passport.wanted |= equal;
	dr.others += !equal;
	service_publish(app.service, &m_drill_done_desc, &event);
	if (equal)
		log_info(L("version proven restorable"), L_UUID("version", &d->version),
			L_UUID("device", &d->device));
	else
		log_error(L("alarm: drill_failed"), L_UUID("version", &d->version),
			L_UUID("device", &d->device), L_STR("outcome", outcome),
			L_STR("detail", detail));
	const struct drill_result result = {.of = d,
		.target = dr.target->id,
		.run = dr.run,
		.outcome = outcome,
		.detail = detail};
	sql_drill_put(&result, told, NULL);
}

static void went_wrong(const char *step, const struct fault *f)
{
	char detail[300];
	(void)snprintf(detail, sizeof(detail), "%s: %.250s", step, f->detail);
	conclude("failed", detail);
}

/* ---- entry by entry ---- */

/* Is this list among those of the comma list? */
static bool holds(const char *lists, const char *name, size_t n)
{
	for (const char *at = lists; *at != 0; at += strcspn(at, ","), at += *at == ',')
		if (strcspn(at, ",") == n && strncmp(at, name, n) == 0)
			return true;
	return false;
}

static void ask_difference(const struct uuid *back, const char *cursor);

/* The printer may have more lists than the version: those are not looked at. */
static void count(const struct m_version_changes *c)
{
	for (size_t i = 0; i < c->items_n; i++) {
		const struct m_book_change *change = &c->items[i];
		const char *list = change->list == NULL ? "" : change->list;
		if (!holds(dr.list[dr.at].lists, list, strlen(list)))
			continue;
		if (strncmp(change->op, "secret_", 7) == 0)
			dr.secrets++;
		else
			dr.changes++;
	}
}

static void compared(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	const struct m_version_changes *c = body;
	char detail[200];
	(void)arg;
	(void)instance;
	if (f != NULL) {
		went_wrong("comparison", f);
		return;
	}
	count(c);
	if (c->next != NULL && c->next[0] != 0) {
		ask_difference(&dr.back, c->next);
		return;
	}
	(void)snprintf(detail, sizeof(detail),
		"%llu entries equal, %llu differences, %llu secrets that a printer does not tell",
		(unsigned long long)c->unchanged, (unsigned long long)dr.changes,
		(unsigned long long)dr.secrets);
	conclude(dr.changes == 0 ? "equal" : "differs", detail);
}

static void ask_difference(const struct uuid *back, const char *cursor)
{
	const struct m_version_diff ask = {
		.a = dr.list[dr.at].version, .b = *back, .cursor = cursor, .limit = 1000};
	peer_call(dr.storage, &m_version_diff_desc, &ask, &(struct peer_opts){.deadline_ms = 30000},
		compared, NULL);
}

static void read_back(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	const struct m_version_page *page = body;
	(void)arg;
	(void)instance;
	if (f != NULL) {
		went_wrong("read-back", f);
	} else if (page->items_n == 0) {
		conclude("failed", "nothing was read back");
	} else {
		dr.back = page->items[0].id;
		dr.changes = dr.secrets = 0;
		ask_difference(&dr.back, NULL);
	}
}

static void compare(void)
{
	const struct m_version_list ask = {.device = dr.target->id,
		.kind = VERSION_KIND_ADDRESS_BOOK,
		.heads = true,
		.limit = 1};
	peer_call(dr.storage, &m_version_list_desc, &ask, &(struct peer_opts){.deadline_ms = 0},
		read_back, NULL);
}

/* ---- the run ---- */

static void look(void *arg);

static void watch(const struct m_run_one *one)
{
	dr.run = one->run->id;
	timer_set(dr.timer, LOOK_MS, 0);
}

static void applied(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	(void)arg;
	(void)instance;
	if (f != NULL)
		went_wrong("approval", f);
	else
		watch(body);
}

static void approve(const struct m_run *run)
{
	const struct m_run_apply ask = {.id = run->id,
		.hash = run->plan_hash,
		.accept = accepted,
		.accept_n = array_len(accepted),
		.reason = REASON};
	peer_call(dr.scheduler, &m_run_apply_desc, &ask, &(struct peer_opts){.deadline_ms = 0},
		applied, NULL);
}

static void looked(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	const struct m_run_one *one = body;
	(void)arg;
	(void)instance;
	if (f == NULL && one->run->state == RUN_STATE_AWAITING_APPROVAL) {
		approve(one->run);
	} else if (f == NULL && one->run->state == RUN_STATE_SUCCEEDED) {
		compare(); /* of a plan: the printer holds it already */
	} else if (f == NULL && one->run->ended_at != 0) {
		char detail[160];
		(void)snprintf(detail, sizeof(detail), "the run ended as %s %.80s",
			msg_word(run_state_words, (int)one->run->state),
			one->run->state_cause == NULL ? "" : one->run->state_cause);
		conclude("failed", detail);
	} else if (clock_mono_ms() - dr.run_ms > RUN_MS) {
		conclude("failed", "the run does not end");
	} else {
		timer_set(dr.timer, LOOK_MS, 0);
	}
}

static void look(void *arg)
{
	const struct m_run_get ask = {.id = dr.run};
	(void)arg;
	peer_call(dr.scheduler, &m_run_get_desc, &ask, &(struct peer_opts){.deadline_ms = 0},
		looked, NULL);
}

static void started(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	(void)arg;
	(void)instance;
	if (f != NULL)
		went_wrong("start", f);
	else
		watch(body);
}

/* ---- the task ---- */

static void task_there(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	static const struct m_run_start ask = {.ref = TASK};
	(void)arg;
	(void)body;
	(void)instance;
	if (f != NULL)
		went_wrong("task", f);
	else
		peer_call(dr.scheduler, &m_run_start_desc, &ask,
			&(struct peer_opts){.deadline_ms = 0}, started, NULL);
}

/* One standing task, whose source and target change; made when it is not there. */
static void put_task(bool make);

static void task_updated(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	if (f != NULL && f->code == CN_NOT_FOUND)
		put_task(true);
	else
		task_there(arg, body, f, instance);
}

static void put_task(bool make)
{
	char target[UUID_TEXT];
	const char *const devices[] = {uuid_format(&dr.target->id, target)};
	const struct m_targets targets = {.devices = devices, .devices_n = 1};
	const struct m_task_settings settings = {.source = dr.list[dr.at].version,
		.mode = WRITE_MODE_REPLACE,
		.accept = accepted,
		.accept_n = array_len(accepted),
		.reason = REASON};
	struct m_task task = {.settings = &settings, .targets = &targets};
	const struct peer_opts opts = {.deadline_ms = 0};
	if (make) {
		task.name = TASK;
		task.kind = "ab.restore";
		const struct m_task_create ask = {.task = &task};
		peer_call(dr.scheduler, &m_task_create_desc, &ask, &opts, task_there, NULL);
	} else {
		const struct m_task_update ask = {.ref = TASK, .task = &task};
		peer_call(dr.scheduler, &m_task_update_desc, &ask, &opts, task_updated, NULL);
	}
}

/* ---- which version, which printer ---- */

static bool takes_all(const struct target *t, const struct drilled *d)
{
	for (const char *at = d->lists; *at != 0; at += strcspn(at, ","), at += *at == ',')
		if (!holds(t->lists, at, strcspn(at, ",")))
			return false;
	return true;
}

/* One that has all of its lists and its language, of the same model if there is one; never the
 * printer's own version.
 */
static const struct target *target_of(const struct drilled *d)
{
	const struct target *found = NULL;
	for (size_t i = 0; i < dr.targets_n; i++) {
		const struct target *t = &dr.targets[i];
		if (uuid_eq(&t->id, &d->device))
			return NULL;
		if (strcmp(t->family, d->family) != 0 || !takes_all(t, d) ||
			strcmp(t->language, d->language) != 0)
			continue;
		if (found == NULL || strcmp(t->model, d->model) == 0)
			found = t;
	}
	return found;
}

static void next(void)
{
	for (; dr.at < dr.n && clock_mono_ms() - dr.began_ms < CHORE_MS; dr.at++) {
		dr.target = target_of(&dr.list[dr.at]);
		if (dr.target != NULL) {
			dr.run = (struct uuid){.b = {0}};
			dr.run_ms = clock_mono_ms();
			put_task(false);
			return;
		}
		dr.without++;
	}
	finish("");
}

static void lists_got(
	struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	(void)t;
	(void)n;
	(void)arg;
	if (f != NULL) {
		finish("; the catalogue does not answer");
		return;
	}
	for (int row = 0; row < db_rows(r[0]); row++) {
		struct uuid id = db_get_uuid(r[0], row, 0);
		for (size_t i = 0; i < dr.targets_n; i++)
			if (uuid_eq(&dr.targets[i].id, &id))
				(void)snprintf(dr.targets[i].lists, sizeof(dr.targets[i].lists),
					"%s", db_get_text(r[0], row, 1));
	}
	next();
}

static void targets_got(void *arg, const void *body, const struct fault *f, uint64_t instance)
{
	const struct m_device_page *page = body;
	(void)arg;
	(void)instance;
	struct uuid ids[TARGETS];
	dr.targets_n = 0;
	for (size_t i = 0; f == NULL && i < page->items_n && dr.targets_n < TARGETS; i++) {
		const struct m_device *d = &page->items[i];
		struct target *t = &dr.targets[dr.targets_n];
		if (!d->simulated || d->family == NULL)
			continue;
		*t = (struct target){.id = d->id};
		ids[dr.targets_n] = d->id;
		(void)snprintf(t->family, sizeof(t->family), "%s", d->family);
		(void)snprintf(t->model, sizeof(t->model), "%s", d->model == NULL ? "" : d->model);
		(void)snprintf(t->language, sizeof(t->language), "%s",
			d->display_language == NULL ? "" : d->display_language);
		dr.targets_n++;
	}
	if (f != NULL)
		finish("; no scheduler answers");
	else if (dr.targets_n == 0)
		dr.done(""); /* no drill is wanted here */
	else
		sql_drill_lists(ids, dr.targets_n, lists_got);
}

static void found(struct txn *t, struct db_result **r, size_t n, const struct fault *f, void *arg)
{
	static const struct m_device_list ask = {
		.filter = "simulated = true and label.drill = 'yes'", .limit = TARGETS};
	(void)t;
	(void)n;
	(void)arg;
	dr.n = f == NULL ? (size_t)db_rows(r[0]) : 0;
	for (size_t i = 0; i < dr.n; i++)
		sql_drilled_read(r[0], (int)i, &dr.list[i]);
	if (dr.n == 0)
		finish(f == NULL ? "" : "; the catalogue does not answer");
	else
		peer_call(dr.scheduler, &m_device_list_desc, &ask,
			&(struct peer_opts){.deadline_ms = 0}, targets_got, NULL);
}

void drill_chore(void (*done)(const char *outcome))
{
	const struct common_config *c = &app.config->common;
	struct fault f = FAULT_INIT;
	dr.done = done;
	dr.n = dr.at = 0;
	dr.equal = dr.others = dr.without = 0;
	dr.began_ms = clock_mono_ms();
	if (dr.timer == NULL)
		dr.timer = timer_new(app.service->loop, look, NULL);
	dr.scheduler = chore_scheduler();
	if (dr.storage == NULL && c->storage_urls[0] != 0)
		dr.storage = peer_new(app.service, c->storage_urls, &f);
	if (dr.scheduler == NULL || dr.storage == NULL)
		done("");
	else
		sql_drill_next(app.config->drill_max, (uint64_t)app.config->drill_age_ms, found);
}
