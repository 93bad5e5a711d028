"""Names, places and languages of the sample profiles, by country. Invented people only.

Phone numbers come from ranges set aside for fiction; a country without one borrows the British:
Ofcom (UK), NANPA 555-01XX (USA), ARCEP (France), Bundesnetzagentur (Germany), PTS (Sweden),
ComReg (Ireland), ACMA (Australia). Must never hold a number that could ring.
"""

from dataclasses import dataclass

Name = tuple[str, str]  # as written, and in letters a-z for an address

_BRITISH = "+44 7700 900{:03d}"


def _names(text: str) -> tuple[Name, ...]:
    """Parse names: `Kåre=kare Ola` becomes (("Kåre", "kare"), ("Ola", "ola"))."""
    pairs = (word.partition("=") for word in text.split())
    return tuple((written.replace("_", " "), roman or written.lower()) for written, _, roman in pairs)


@dataclass(frozen=True)
class Country:
    """People's names and places in one country; `share` is the weight of the country."""

    name: str
    language: str
    share: int
    first: tuple[Name, ...]
    last: tuple[Name, ...]
    streets: tuple[str, ...]
    cities: tuple[tuple[str, str], ...]  # postal code, city
    phone: str = _BRITISH
    phone_room: int = 1000


def _places(text: str) -> tuple[tuple[str, str], ...]:
    pairs = (place.strip().partition(" = ") for place in text.split(";"))
    return tuple((code, city) for code, _, city in pairs)


COUNTRIES = (
    Country(
        "Norway",
        "nb",
        34,
        _names(
            "Kari Ola Åse=aase Bjørn=bjorn Ingrid Håkon=haakon Sølvi=solvi Lars Nora Øyvind=oyvind Emma Jakob"
        ),
        _names(
            "Nordmann Hansen Ødegård=odegaard Bråten=braaten Sæther=saether Berg Lund Næss=naess Moen Ås=aas"
        ),
        ("Storgata", "Kirkeveien", "Bjørnstjerne Bjørnsons gate", "Åsveien", "Skolegata"),
        _places(
            "0150 = Oslo; 5003 = Bergen; 7011 = Trondheim; 9008 = Tromsø; 6003 = Ålesund; 3015 = Drammen"
        ),
    ),
    Country(
        "Sweden",
        "sv",
        8,
        _names("Åsa=asa Björn=bjorn Märta=marta Erik Linnéa=linnea Göran=goran Elsa Nils"),
        _names("Svensson Åkesson=akesson Öberg=oberg Lindström=lindstrom Karlsson Sjögren=sjogren"),
        ("Drottninggatan", "Västra Hamngatan", "Kungsgatan"),
        _places("111 20 = Stockholm; 411 03 = Göteborg; 211 20 = Malmö"),
        "+46 70 174 06 {:02d}",
        100,
    ),
    Country(
        "Germany",
        "de",
        12,
        _names("Jürgen=juergen Käthe=kaethe Anna Lukas Sören=soeren Zoë=zoe Heinz Mia"),
        _names(
            "Müller=mueller Schröder=schroeder Groß=gross Weiß=weiss Schmidt Jäger=jaeger von_Thun=vonthun"
        ),
        ("Hauptstraße", "Königsallee", "Am Weiher"),
        _places("10115 = Berlin; 80331 = München; 50667 = Köln; 01067 = Dresden"),
        "+49 30 23125 {:03d}",
    ),
    Country(
        "France",
        "fr",
        9,
        _names("Zoé=zoe François=francois Aïcha=aicha Léa=lea Noël=noel Hélène=helene Luc"),
        _names("Lefèvre=lefevre Garçon=garcon Dupont L'Hôte=lhote Bénard=benard Moreau"),
        ("rue de l'Église", "avenue Général Leclerc", "place d'Armes"),
        _places("75001 = Paris; 69002 = Lyon; 06000 = Nice; 13001 = Marseille"),
        "+33 6 39 98 {:02d} 07",
        100,
    ),
    Country(
        "Poland",
        "pl",
        6,
        _names("Łukasz=lukasz Małgorzata=malgorzata Zofia Paweł=pawel Żaneta=zaneta Jan"),
        _names("Wójcik=wojcik Kowalski Żuk=zuk Gałązka=galazka Nowak Śliwa=sliwa"),
        ("ulica Długa", "Aleje Jerozolimskie"),
        _places("00-001 = Warszawa; 31-042 = Kraków; 90-001 = Łódź"),
    ),
    Country(
        "Greece",
        "el",
        4,
        _names("Ελένη=eleni Γιώργος=giorgos Μαρία=maria Νίκος=nikos Σοφία=sofia"),
        _names("Παπαδόπουλος=papadopoulos Νικολάου=nikolaou Αγγελής=angelis"),
        ("Ερμού", "Λεωφόρος Κηφισίας"),
        _places("105 63 = Αθήνα; 546 24 = Θεσσαλονίκη"),
    ),
    Country(
        "Japan",
        "ja",
        5,
        _names("花子=hanako 太郎=taro 美咲=misaki 健=ken さくら=sakura"),
        _names("佐藤=sato 鈴木=suzuki 高橋=takahashi 田中=tanaka"),
        ("中央通り", "桜町"),
        _places("100-0001 = 東京; 530-0001 = 大阪; 060-0001 = 札幌"),
    ),
    Country(
        "Egypt",
        "ar",
        3,
        _names("محمد=mohamed فاطمة=fatma ليلى=layla يوسف=youssef"),
        _names("حسن=hassan إبراهيم=ibrahim السيد=elsayed"),
        ("شارع التحرير", "شارع النيل"),
        _places("11511 = القاهرة; 21500 = الإسكندرية"),
    ),
    Country(
        "Ukraine",
        "uk",
        3,
        _names("Олена=olena Андрій=andrii Оксана=oksana Тарас=taras"),
        _names("Шевченко=shevchenko Коваленко=kovalenko Бондар=bondar"),
        ("вулиця Хрещатик", "проспект Свободи"),
        _places("01001 = Київ; 79000 = Львів"),
    ),
    Country(
        "United Kingdom",
        "en",
        9,
        _names("Siân=sian Oliver Zoë=zoe Amelia Seán=sean Harry Priya"),
        _names("O'Brien=obrien Smith-Jones=smith-jones MacDonald Patel Taylor"),
        ("High Street", "St John's Road", "The Green"),
        _places("SW1A 1AA = London; M1 1AE = Manchester; EH1 1YZ = Edinburgh"),
    ),
    Country(
        "United States",
        "en",
        7,
        _names("Ashley José=jose Tyler Renée=renee DeShawn Mary_Ann=maryann"),
        _names("Johnson Núñez=nunez Washington O'Connor=oconnor Nguyen"),
        ("Main St.", "5th Avenue, Apt. 4", "Martin Luther King Jr. Blvd"),
        _places("02108 = Boston, MA; 60601 = Chicago, IL; 94103 = San Francisco, CA"),
        "+1 202 555 01{:02d}",
        100,
    ),
)

COMPANIES = (
    *(
        "Fjell & Fjord AS",
        "Nordlys, Bakeri og Kafé",
        'Restaurant "Havet"',
        "Müller & Söhne GmbH",
        "Blåbær AS",
    ),
    *(
        "Café de l'Étoile",
        "Acme, Inc.",
        "Żabka Testowa",
        "Øst-Vest Frakt ANS",
        "Tide; Time & Co",
        "株式会社サンプル",
    ),
)
