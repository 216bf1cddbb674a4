// SPDX-License-Identifier: Apache-2.0
/* Upkeep of what others are told of: devices whose backups are overdue (FL-79) or that share an
 * address (FL-2), and an outbox that nobody empties is bounded (FL-81). By every scheduler; the
 * database lets one at a time. */
#include "common/metrics/metrics.h"
#include "services/scheduler/scheduler.h"

#define LATE_S 3600

static struct {
	bool purging;
	struct metric *waiting, *oldest, *lost;
} told;

static void purge(void);

static void purge_args(struct db_args *a, unused void *arg)
{
	db_int(a, scheduler.config.outbox_max);
	db_int(a, scheduler.config.outbox_keep_ms);
}

static void purged(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, unused void *arg)
{
	told.purging = false;
	if (f != NULL)
		return;
	int64_t lost = db_get_int(r[0], 0, 0), waiting = db_get_int(r[0], 0, 1);
	int64_t oldest = db_get_int(r[0], 0, 2);
	metric_set(told.waiting, waiting);
	metric_set(told.oldest, oldest);
	metric_add(told.lost, lost);
	if (lost > 0)
		log_error(L("alarm: events_lost"), L_INT("lost", lost), L_INT("waiting", waiting));
	else if (oldest > LATE_S)
		log_warn(L("no gateway takes events"), L_INT("waiting", waiting),
			L_INT("seconds", oldest));
	if (lost > 0)
		purge();
}

static void purge(void)
{
	if (told.purging || scheduler.service->stopping)
		return;
	told.purging = true;
	db_query(scheduler.service->db, &SQL_OUTBOX_PURGE, purge_args, purged, NULL);
}

static void overdue_args(struct db_args *a, unused void *arg)
{
	db_int(a, scheduler.config.backup_overdue_days);
}

static void overdue_told(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, unused void *arg)
{
	int64_t devices = f == NULL ? db_get_int(r[0], 0, 0) : 0;

	if (devices > 0)
		log_warn(L("backups are overdue"), L_INT("devices", devices));
}

static void conflicts_told(unused struct txn *t, struct db_result **r, unused size_t n,
	const struct fault *f, unused void *arg)
{
	int64_t devices = f == NULL ? db_get_int(r[0], 0, 0) : 0;

	if (devices > 0)
		log_error(L("alarm: address_conflict"), L_INT("devices", devices));
}

void told_minute(void)
{
	if (told.waiting == NULL) {
		told.waiting =
			metric_gauge("carnet_outbox_events", "", "events that no gateway has yet");
		told.oldest = metric_gauge(
			"carnet_outbox_oldest_seconds", "", "since when the oldest waits");
		told.lost = metric_counter(
			"carnet_outbox_lost_total", "", "events that no gateway took in time");
	}
	purge();
	db_query(scheduler.service->db, &SQL_TELL_CONFLICTS, NULL, conflicts_told, NULL);
}

void told_hour(void)
{
	if (scheduler.config.backup_overdue_days > 0)
		db_query(
			scheduler.service->db, &SQL_TELL_OVERDUE, overdue_args, overdue_told, NULL);
}
