// SPDX-License-Identifier: Apache-2.0
/* People and departments in the scripts that real books hold. */
#include "services/simulator/book.h"

struct name {
	const char *family, *given; /* as shown */
	const char *reading;        /* Japanese: kana; else NULL */
	const char *mail;           /* local part, ASCII */
};

static const struct name LATIN[] = {
	{"Martin", "Chloé", NULL, "chloe.martin"},
	{"Lefèvre", "François", NULL, "francois.lefevre"},
	{"Dûpont-Aurore", "Zoë", NULL, "zoe.dupont"},
	{"Garnier", "Benoît", NULL, "benoit.garnier"},
	{"Cœur", "Hélène", NULL, "helene.coeur"},
	{"Nuñez", "María José", NULL, "mj.nunez"},
	{"Müller", "Jürgen", NULL, "juergen.mueller"},
	{"Groß", "Käthe", NULL, "kaethe.gross"},
	{"Ångström", "Åsa", NULL, "asa.angstrom"},
	{"O’Brien", "Siobhán", NULL, "siobhan.obrien"},
	{"Smith", "John", NULL, "john.smith"},
	{"Johnson", "Emily", NULL, "emily.johnson"},
	{"da Conceição", "João", NULL, "joao.conceicao"},
	{"Rossi", "Niccolò", NULL, "niccolo.rossi"},
	{"Šimek", "Žofie", NULL, "zofie.simek"},
	{"Van den Broeck", "Liesbeth", NULL, "liesbeth.vdb"},
};

static const struct name JAPANESE[] = {
	{"山田", "太郎", "ヤマダ タロウ", "t.yamada"},
	{"佐藤", "花子", "サトウ ハナコ", "h.sato"},
	{"髙橋", "健一", "タカハシ ケンイチ", "k.takahashi"},
	{"田中", "美咲", "タナカ ミサキ", "m.tanaka"},
	{"渡邊", "翔", "ワタナベ ショウ", "s.watanabe"},
	{"伊藤", "さくら", "イトウ サクラ", "s.ito"},
	{"小林", "ジョン", "コバヤシ ジョン", "j.kobayashi"},
	{"齋藤", "一郎", "サイトウ イチロウ", "i.saito"},
};

static const struct name OTHERS[] = {
	{"Иванова", "Наталья", NULL, "n.ivanova"},
	{"Щербаков", "Юрий", NULL, "y.shcherbakov"},
	{"Παπαδόπουλος", "Γιώργος", NULL, "g.papadopoulos"},
	{"العربي", "محمد", NULL, "m.alarabi"},
	{"כהן", "שרה", NULL, "s.cohen"},
	{"王", "小明", NULL, "xm.wang"},
	{"김", "민준", NULL, "mj.kim"},
	{"नेहरू", "अनिता", NULL, "a.nehru"},
	{"Nguyễn", "Thị Hồng", NULL, "th.nguyen"},
	{"Łukasiewicz", "Grażyna", NULL, "g.lukasiewicz"},
};

static const char *const DEPARTMENTS[LANGUAGES][6] = {
	{"Sales", "Accounting", "Human Resources", "Workshop 2", "Quality", "Front desk"},
	{"Ventes", "Comptabilité", "Ressources humaines", "Atelier n° 2", "Qualité", "Accueil"},
	{"営業部", "経理課", "人事部", "第二工場", "品質保証", "受付"},
};

static const struct name *pick(struct rng *r, uint32_t language, bool latin)
{
	uint32_t dice = rng_below(r, 100);

	if (latin || (language != 2 && dice < 80))
		return &rng_pick(r, LATIN);
	if (language == 2 && dice < 80)
		return &rng_pick(r, JAPANESE);
	return dice < 90 ? &rng_pick(r, OTHERS) : &rng_pick(r, LATIN);
}

static const char *text(char *s)
{
	bug_if(!s);
	return s;
}

void name_person(struct rng *r, struct arena *a, uint32_t language, bool latin, struct entry *e)
{
	const struct name *n = pick(r, language, latin);
	bool japanese = n->reading != NULL;

	e->name =
		text(arena_printf(a, "%s %s", japanese || rng_chance(r, 300) ? n->family : n->given,
			japanese || rng_chance(r, 300) ? n->given : n->family));
	e->reading = n->reading ? n->reading : "";
	e->mail = n->mail;
}

const char *name_department(struct rng *r, uint32_t language, bool latin)
{
	return rng_pick(r, DEPARTMENTS[latin && language == 2 ? 0 : language]);
}
