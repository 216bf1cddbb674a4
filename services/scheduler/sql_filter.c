// SPDX-License-Identifier: Apache-2.0
/* Filters as SQL conditions: columns come from the tables below, every value is a parameter. */
#include "gen/msg.h"
#include "services/scheduler/sql.h"
#include "services/scheduler/sql_columns.h"

struct maker {
	unsigned param;
	const char *seen; /* scopes, text[] */
	struct buf *out;
	struct sql_values *values;
};

static void make(struct maker *m, const struct filter *f);

/* A reference to one more value. */
static void put_value(struct maker *m, const char *value)
{
	if (m->values->n == SQL_VALUES_MAX) {
		m->out->err = true;
		return;
	}
	m->values->v[m->values->n++] = value;
	buf_addf(m->out, "($%u::text[])[%zu]", m->param, m->values->n);
}

/* The left side of a comparison. */
static void put_column(struct maker *m, const struct filter *f)
{
	if (f->field->type == FILTER_LABEL) {
		buf_addf(m->out, "coalesce(%s ->> ", f->field->column);
		put_value(m, f->key);
		buf_adds(m->out, ", '')");
	} else if (f->field->type == FILTER_RESULT) {
		buf_addf(m->out, "coalesce(%s -> ", f->field->column);
		put_value(m, f->key);
		buf_adds(m->out, " ->> 'result', 'unknown')");
	} else {
		buf_adds(m->out, f->field->column);
	}
}

static const char *cast_of(enum filter_type type)
{
	return type == FILTER_WORD     ? "::smallint"
	       : type == FILTER_BOOL   ? "::boolean"
	       : type == FILTER_NUMBER ? "::bigint"
				       : "";
}

static void make_in(struct maker *m, const struct filter *f)
{
	put_column(m, f);
	buf_adds(m->out, " in (");
	for (size_t i = 0; i < f->n_values; i++) {
		buf_adds(m->out, i > 0 ? ", " : "");
		put_value(m, f->values[i]);
		buf_adds(m->out, cast_of(f->field->type));
	}
	buf_addc(m->out, ')');
}

/* Devices listed in a group that is seen, or in a group below it. Filters below do not count. */
static void make_group(struct maker *m, const struct filter *f)
{
	buf_adds(m->out, f->op == FILTER_NE ? "not (" : "(");
	for (size_t i = 0; i < f->n_values; i++) {
		buf_adds(m->out, i > 0 ? " or " : "");
		buf_adds(m->out, "d.id in (select m.device from fleet.groups_below(array("
				 "select g.id from fleet.device_group g where g.name = ");
		put_value(m, f->values[i]);
		buf_addf(m->out,
			" and not exists (select from unnest(%s) s where s is not null and"
			" g.id not in (select fleet.seen_groups(s))))) b"
			" join fleet.group_device m on m.grp = b.id)",
			m->seen);
	}
	buf_addc(m->out, ')');
}

/* Devices that a credential is bound to, itself or by group, site or range: once for all rows. */
static void make_login(struct maker *m, const struct filter *f)
{
	buf_adds(m->out, "d.id in (select fleet.bound_to(c.id) from fleet.credential c where"
			 " c.name = ");
	put_value(m, f->values[0]);
	buf_addf(m->out,
		" and not exists (select from unnest(%s) s where s is not null and"
		" c.id not in (select fleet.credentials_seen(s))))",
		m->seen);
}

/* A device that never succeeded is older than any age. */
static void make_age(struct maker *m, const struct filter *f)
{
	buf_addf(m->out, "coalesce(%s, '-infinity') %s clock_timestamp() - make_interval(secs => ",
		f->field->column, f->op == FILTER_GT ? "<" : ">");
	put_value(m, f->values[0]);
	buf_adds(m->out, "::float8)");
}

static void make_compare(struct maker *m, const struct filter *f)
{
	static const char *const ops[] = {[FILTER_EQ] = " is not distinct from ",
		[FILTER_NE] = " is distinct from ",
		[FILTER_LT] = " < ",
		[FILTER_GT] = " > ",
		[FILTER_LIKE] = " like fleet.glob("};

	put_column(m, f);
	buf_adds(m->out, ops[f->op]);
	put_value(m, f->values[0]);
	buf_adds(m->out, f->field->type == FILTER_TIME ? "::timestamptz" : cast_of(f->field->type));
	buf_adds(m->out, f->op == FILTER_LIKE ? ")" : "");
}

static void make_has(struct maker *m, const struct filter *f)
{
	buf_adds(m->out, f->field->type == FILTER_MAP ? "jsonb_exists(" : "0 < strpos(");
	put_column(m, f);
	buf_adds(m->out, ", ");
	put_value(m, f->values[0]);
	buf_addc(m->out, ')');
}

static void make_one(struct maker *m, const struct filter *f)
{
	if (f->field->type == FILTER_GROUP) {
		make_group(m, f);
	} else if (f->field->type == FILTER_LOGIN) {
		make_login(m, f);
	} else if (f->field->type == FILTER_AGE) {
		make_age(m, f);
	} else if (f->cidr) {
		buf_adds(m->out, "coalesce(d.ip <<= network(");
		put_value(m, f->values[0]);
		buf_adds(m->out, "::inet), false)");
	} else if (f->op == FILTER_IN) {
		make_in(m, f);
	} else if (f->op == FILTER_HAS) {
		make_has(m, f);
	} else {
		make_compare(m, f);
	}
}

/* Depth is bounded by the parser. */
static void make(struct maker *m, const struct filter *f)
{
	bool pair = f->op == FILTER_AND || f->op == FILTER_OR;

	buf_adds(m->out, f->op == FILTER_NOT ? "not (" : "(");
	if (pair || f->op == FILTER_NOT)
		make(m, f->left);
	else
		make_one(m, f);
	if (pair) {
		buf_adds(m->out, f->op == FILTER_AND ? " and " : " or ");
		make(m, f->right);
	}
	buf_addc(m->out, ')');
}

struct sql_seen sql_seen_by(
	const char *scope, unsigned param, struct buf *out, struct sql_values *values)
{
	struct sql_seen seen = {"null::text[]"};

	if (scope == NULL)
		return seen;
	if (values->n == SQL_VALUES_MAX) {
		out->err = true;
		return seen;
	}
	values->v[values->n++] = scope;
	(void)snprintf(seen.text, sizeof(seen.text), "($%u::text[])[%zu:%zu]", param, values->n,
		values->n);
	return seen;
}

void sql_condition(const struct filter *f, unsigned param, const char *seen, struct buf *out,
	struct sql_values *values)
{
	struct maker m = {.param = param, .seen = seen, .out = out, .values = values};

	if (f == NULL)
		buf_adds(out, "true");
	else
		make(&m, f);
}

void sql_within(const char *within, unsigned param, const char *scope, struct buf *out,
	struct sql_values *values)
{
	struct maker m = {.param = param, .out = out, .values = values};

	buf_addf(out, " and %s", within);
	put_value(&m, scope);
	buf_adds(out, "))");
}

void sql_page(struct buf *out, const char *order, bool descending)
{
	const char *way = descending ? " desc" : "";

	buf_addf(out,
		" and (cardinality($1::text[]) >= 0 and ($3::uuid is null or (%s, d.id) %s "
		"($2::text, $3::uuid)))",
		order, descending ? "<" : ">");
	buf_addf(out, " order by %s%s, d.id%s limit $4::bigint", order, way, way);
}

void sql_values_add(struct db_args *a, const struct sql_values *values)
{
	db_array(a);
	for (size_t i = 0; i < values->n; i++)
		db_text(a, values->v[i]);
	db_array_end(a);
}

/* ---- what may be asked about ---- */

const struct filter_field FILTER_DEVICES[] = {
	{"id", FILTER_STRING, NULL, "d.id::text"},
	{"name", FILTER_STRING, NULL, "d.name"},
	{"vendor", FILTER_STRING, NULL, "d.vendor"},
	{"family", FILTER_STRING, NULL, "d.family"},
	{"model", FILTER_STRING, NULL, "d.model"},
	{"serial", FILTER_STRING, NULL, "d.serial"},
	{"mac", FILTER_STRING, NULL, "d.mac"},
	{"uuid", FILTER_STRING, NULL, "d.device_uuid"},
	{"address", FILTER_ADDRESS, NULL, "d.address"},
	{"ports", FILTER_MAP, NULL, "d.ports"},
	{"firmware", FILTER_STRING, NULL, "d.firmware"},
	{"type", FILTER_WORD, device_type_words, "d.type"},
	{"display_language", FILTER_STRING, NULL, "d.display_language"},
	{"charset", FILTER_STRING, NULL, "d.charset"},
	{"time_zone", FILTER_STRING, NULL,
		"coalesce(nullif(d.time_zone, ''), (select s.time_zone from fleet.site s where"
		" s.name = d.site), '')"},
	{"site", FILTER_STRING, NULL, "coalesce(d.site, '')"},
	{"region", FILTER_STRING, NULL,
		"coalesce((select s.region from fleet.site s where s.name = d.site), '')"},
	{"label.", FILTER_LABEL, NULL, "d.labels"},
	{"labels", FILTER_MAP, NULL, "d.labels"},
	{"capability.", FILTER_RESULT, NULL, "d.capabilities"},
	{"capabilities", FILTER_MAP, NULL, "d.capabilities"},
	{"ab_check_due", FILTER_BOOL, NULL,
		"fleet.check_due(d.id, d.capabilities -> 'ab.read', d.firmware)"},
	{"settings_check_due", FILTER_BOOL, NULL,
		"fleet.check_due(d.id, d.capabilities -> 'settings.read', d.firmware)"},
	{"credentials", FILTER_LOGIN, NULL, NULL},
	{"tls", FILTER_STRING, NULL, "d.tls_pin"},
	{"version", FILTER_NUMBER, NULL, "d.version"},
	{"managed_by", FILTER_WORD, managed_by_words, "d.managed_by"},
	{"state", FILTER_WORD, device_state_words, "d.state"},
	{"state_cause", FILTER_STRING, NULL, "(" SQL_STATE_CAUSE ")"},
	{"alarms", FILTER_MAP, NULL, SQL_ALARMS_OF_ALL},
	{"simulated", FILTER_BOOL, NULL, "d.simulated"},
	{"clear_text", FILTER_BOOL, NULL, "d.clear_text"},
	{"strict_interlock", FILTER_BOOL, NULL, "d.strict_interlock"},
	{"pool", FILTER_STRING, NULL, "d.pool"},
	{"created_at", FILTER_TIME, NULL, "d.created_at"},
	/* one that never ran is in no state, and "not" of that is so */
	{"last_state", FILTER_WORD, job_state_words,
		"coalesce((select l.state from fleet.last l where l.device = d.id), 0)"},
	{"last_success_age", FILTER_AGE, NULL,
		"(select l.success_at from fleet.last l where l.device = d.id)"},
	{"group", FILTER_GROUP, NULL, NULL},
	{NULL, FILTER_STRING, NULL, NULL},
};

const struct filter_field FILTER_GROUPS[] = {
	{"name", FILTER_STRING, NULL, "d.name"},
	{"kind", FILTER_WORD, group_kind_words, "d.kind"},
	{NULL, FILTER_STRING, NULL, NULL},
};

const struct filter_field FILTER_TASKS[] = {
	{"name", FILTER_STRING, NULL, "d.name"},
	{"kind", FILTER_STRING, NULL, "d.kind"},
	{"active", FILTER_BOOL, NULL, "d.active"},
	{"owner", FILTER_STRING, NULL, "d.owner"},
	{"built_in", FILTER_BOOL, NULL, "d.built_in"},
	{NULL, FILTER_STRING, NULL, NULL},
};
