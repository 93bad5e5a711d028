"""What the words in field names mean, in twelve languages; in lower case, without accents.

Owns the vocabulary of suggestions. Must never look at a field or a value.
"""

FULL_NAME, TITLE, ADDRESS = "full_name", "title", "address"
"""Meanings that are not contact fields: the values or the other fields decide what they are."""


def _words(text: str) -> list[str]:
    return text.split()


_PHRASES = {
    "email": "email|emailaddress|mail|mailaddress|emailid|epost|epostadresse|epostadress|mailadresse|emailadresse|"
    "emailadres|adresemail|courriel|messagerie|correo|correoelectronico|mailaddresse|correioeletronico|"
    "correioelectronico|postaelettronica|indirizzoemail|posta elettronica|sahkoposti|sahkopostiosoite|netfang|"
    "adresseelectronique|useremail|emails",
    "first_name": "firstname|givenname|forename|fornavn|fornamn|vorname|vornamen|rufname|prenom|prenoms|etunimi|"
    "voornaam|roepnaam|fname|given|imie|imiona|primeironome|primernombre|nombredepila|nomproprio|tilltalsnamn",
    "last_name": "lastname|surname|familyname|etternavn|efternavn|efternamn|slektsnavn|nachname|familienname|zuname|"
    "nomdefamille|apellido|apellidos|primerapellido|cognome|sobrenome|ultimonome|apelido|apelidos|sukunimi|"
    "achternaam|familienaam|lname|family|nazwisko|nazwiska",
    FULL_NAME: "name|fullname|displayname|navn|fulltnavn|namn|naam|volledigenaam|nom|nomcomplet|nombre|"
    "nombrecompleto|nombreyapellidos|nome|nomecompleto|nomeecognome|imieinazwisko|vollstandigername|nimi|"
    "prenometnom|nometprenom|billingname|shippingname|kontaktnavn",
    TITLE: "title|titel|tittel|titre|titolo|titulo|tytul|salutation|anrede|nameprefix|prefix|civilite|tratamiento|"
    "aanhef|hilsen|zwrot|pronoun|pronouns",
    "job_title": "jobtitle|jobposition|position|role|jobrole|stilling|stillingstittel|jobtitel|yrke|yrkestittel|beruf|"
    "berufsbezeichnung|funktion|stelle|poste|fonction|intitulduposte|intituleduposte|profession|cargo|puesto|"
    "puestodetrabajo|befattning|yrkestitel|functie|functietitel|beroep|stanowisko|zawod|ruolo|qualifica|mansione|"
    "posizione|profissao|ocupacao|organizationtitle|companytitle|occupation|ammatti|titredeposte",
    "company_name": "company|companyname|organization|organisation|organizationname|organisationname|employer|"
    "currentemployer|firma|firmanavn|firmenname|bedrift|bedriftsnavn|selskap|foretak|virksomhed|virksomhet|"
    "virksomhedsnavn|foretag|foretagsnamn|arbeidsgiver|arbetsgivare|arbeitgeber|unternehmen|unternehmensname|"
    "entreprise|nomdelentreprise|societe|raisonsociale|empresa|nombredelaempresa|nomedaempresa|razonsocial|"
    "razaosocial|azienda|nomeazienda|nomedellazienda|societa|ragionesociale|yritys|yrityksennimi|bedrijf|"
    "bedrijfsnaam|organisatie|organizacja|organizacion|organizacao|organizzazione|nazwafirmy|przedsiebiorstwo|"
    "accountname|kontoname|relatedcompany|associatedcompany|primaryassociatedcompany|parentcompany|business|"
    "businessname|kundenname1",
    "birthday": "birthday|birthdate|dateofbirth|dob|fodselsdato|fodselsdag|bursdag|fodelsedag|fodelsedatum|"
    "geburtsdatum|geburtstag|gebdatum|datedenaissance|naissance|datenaissance|fechadenacimiento|fechanacimiento|"
    "nacimiento|cumpleanos|datadinascita|compleanno|syntymaaika|syntymapaiva|geboortedatum|verjaardag|birth|"
    "datadenascimento|nascimento|dataurodzenia|urodziny|birthdate1|anniversaire|born|bornon|fodt|fodd|geboren|"
    "geborenam|nele|nacidoel|natoil|natail|syntynyt|urodzony",
    "birthday_month": "birthdaymonth|birthmonth|fodselsmaned|geburtsmonat|moisdenaissance|mesdenacimiento",
    "birthday_day": "birthdayday|birthdaydayofmonth|dayofbirth|birthdayofmonth|geburtstagtag|jourdenaissance|"
    "diadenacimiento",
    "anniversary": "anniversary|anniversarydate|weddinganniversary|bryllupsdag|brollopsdag|jahrestag|hochzeitstag|"
    "anniversairedemariage|aniversariodeboda|customersince|membersince|signupdate|kundesiden|kundsedan|"
    "medlemsiden|medlemsedan|jubilaum|kundeseit|clientdepuis|clientedesde|clientedal|klantsinds|trouwdag|"
    "aniversario|rocznica",
    "phone": "phone|phonenumber|phoneno|phonenr|telephone|telephonenumber|tel|telno|telnr|telefon|telefonnummer|"
    "telefonnr|tlf|tlfnr|telefonnumer|rufnummer|numerodetelephone|numerotelephone|telefono|numerodetelefono|"
    "telefone|numerodetelefone|numeroditelefono|numertelefonu|nrtelefonu|puhelin|puhelinnumero|telefoon|"
    "telefoonnummer|telefoonnr|fon|fastnett|festnetz|fixe|fijo|fisso|landline",
    "mobile_phone": "mobilnummer|mobiltelefon|mobiltlf|mobilnr|handy|handynummer|portable|telephoneportable|"
    "telefoncelular|telemovel|matkapuhelin|mobieltelefoon|gsm|gsmnummer|smsnumber|telefonkomorkowy|komorka|"
    "mobilephone|mobilenumber|cellphone|cellnumber|cellulare|celular|movil|mobil|mobile|cell|mobiel|komorkowy|"
    "mobiltelefonnummer|mobieletelefoon|mobielenummer|telefonomovil|telefonocellulare|telefonecelular|kannykka",
    "street": "street|streetaddress|streetname|addressline|addressstreet|line|gate|gateadresse|gatenavn|vei|veiadresse|"
    "vej|gade|strasse|str|strassehausnummer|strasseundhausnummer|strasseundnr|strassenr|strassehausnr|rue|calle|"
    "via|gata|gatuadress|katuosoite|straat|straatnaam|straathuisnummer|straatenhuisnummer|rua|logradouro|morada|"
    "ulica|ulicainumer|ulicainrdomu|postadresse|postadress|thoroughfare|callenumero|callenumero|voie|addrline|"
    "besoksadresse|adresselinje|adresszeile|utdelningsadress|vejnavn",
    ADDRESS: "address|addresses|adresse|adress|adres|adresa|direccion|domicilio|indirizzo|endereco|osoite|anschrift|"
    "postaladdress|lahiosoite",
    "street2": "adressezusatz|adresszusatz|complementadresse|complementdadresse|complemento|adresselinje2|apartment|"
    "suite|addresssuite|coaddress|supplementaladdress|extendedaddress|addressextended|toevoeging|coadress|coadresse|"
    "addition|apt|unit",
    "city": "city|town|cityname|towncity|citytown|by|poststed|poststad|sted|stad|ort|ortschaft|stadt|wohnort|ville|"
    "localite|commune|ciudad|poblacion|localidad|municipio|citta|localita|comune|cidade|municipio|kaupunki|plaats|"
    "woonplaats|postort|bynavn|postby|miasto|miejscowosc|locality|suburb|postitoimipaikka",
    "state": "state|province|provincecode|statecode|statename|stateprovince|stateorprovince|region|regionname|regionen|"
    "county|fylke|lan|bundesland|kanton|departement|provincia|estado|distrito|provins|delstat|regione|wojewodztwo|"
    "provincie|adminarea|administrativearea|landsdel|maakunta|prov",
    "zip": "zip|zipcode|postcode|postalcode|postal|postnr|postnummer|postkode|postkod|plz|postleitzahl|codepostal|cp|"
    "codigopostal|cap|cep|codicepostale|codicediavviamentopostale|postinumero|kodpocztowy|pocztowy|zippostalcode|"
    "zippostcode|ziporpostalcode|postalzipcode|zippostal|poststednr|pincode|eircode",
    "country": "country|countrycode|countryname|countryiso|countryiso2|land|landkode|landcode|landkod|lkode|pays|"
    "codepays|pais|codigopais|paese|nazione|maa|kraj|countryterritory|countryregion|countryorregion|lander|nation",
}
MEANINGS = {
    phrase.replace(" ", ""): meaning for meaning, written in _PHRASES.items() for phrase in written.split("|")
}
LONGEST_PHRASE = 5  # at most this many words of a name may form one phrase

HOME, WORK, MOBILE, OTHER, SECOND = "home", "work", "mobile", "other", "second"
MAILING, SHIPPING = "mailing", "shipping"
_KINDS = {
    HOME: "home private privat privater personal hjem hjemme heim hem hemma domicile casa thuis prive dom domowy "
    "domowa prywatny prywatna particular personnel personnelle personale abitazione personlig koti house",
    WORK: "work business office bureau arbeid arbeids arbejde arbete jobb geschaftlich geschaft geschaeftlich "
    "dienstlich dienst pro professionnel professionnelle travail trabajo trabalho oficina escritorio lavoro ufficio "
    "zakelijk zakelijke werk werktelefoon comercial praca sluzbowy sluzbowa kontor kontoret professional tyo direct "
    "buero betrieb corporate",
    MOBILE: "mobile mobil mobiel mobiele cell cellular movil celular cellulare portable gsm komorkowy",
    OTHER: "other autre otro otra altro altra andere anders annen annet anden andet andra annan annat outro outra inny "
    "inne sonstige weitere muu",
    MAILING: "billing mailing default primary main invoice faktura fakturering fakturerings rechnung rechnungs "
    "facturation facturacion fatturazione factuur cobranca rozliczeniowy card residence residential "
    "principal principale hoved huvud haupt standard current permanent postal legal bill hoofd glowny "
    "predeterminada defecto correspondence visiting besok",
    SHIPPING: "shipping ship delivery levering leverings leverans lieferung liefer versand livraison envio spedizione "
    "bezorg verzend entrega dostawy",
    SECOND: "secondary second alternate alternative alternativ additional backup sekundar andre2 secondaire secundario "
    "secundaria secondario zweite autre2 extra",
}
KINDS = {word: kind for kind, words in _KINDS.items() for word in words.split()}
COMPOUNDS = tuple(
    sorted(
        _words(
            "hjemme privat arbeids jobb mobil faktura fakturerings leverings rechnungs liefer firmen geschafts dienst "
            "kunden kunde kontakt post factuur bezorg aflever medlems gaste"
        ),
        key=len,
        reverse=True,
    )
)
"""First parts of compound words such as Rechnungsadresse."""

NOISE = frozenset(
    _words(
        "customer customers client contact contacts person people user member kunde kunden kundens kontakt medlem "
        "subscriber abonnent attendee buyer recipient guest lead account profile value field your my the of a an and "
        "og und et y e i de del della dell di du d des la le les el da do der die das des den for no nr number nummer "
        "numero numer num code kode kod codigo codice id text full deltaker deltager teilnehmer cliente "
        "clientes klient klienta klant deelnemer participant parent individual p pessoa persona fax2 crm custom facts "
        "person2 s or full1 info"
    )
)
HONORIFICS = frozenset(
    _words(
        "mr mrs ms miss mx dr prof sir madam lady lord rev hon herr herrn frau fraulein fru froken frk hr hr. dhr mevr "
        "mevrouw meneer heer m mme mlle monsieur madame mademoiselle sr sra srta senor senora don dona sig sigra "
        "signor signora dott dottssa ing mag dipling pan pani rouva neiti herra mister doctor professor "
        "fam familie family"
    )
)
NOT_STATES = frozenset(
    _words(
        "active inactive enabled disabled open closed pending subscribed unsubscribed confirmed unconfirmed new lead "
        "paid unpaid approved declined invited aktiv inaktiv actif inactif activo inactivo attivo lost won draft yes "
        "no true false"
    )
)
