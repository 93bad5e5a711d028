"""Names of months, in the languages whose field names are known. Must never have one word for two months."""

# January to December: English, Norwegian and Danish, Swedish, German, French, Spanish, Portuguese, Italian,
# Dutch, Finnish, Icelandic, Polish (as in a date).
_FULL = (
    "january januar januari janvier enero janeiro gennaio tammikuu tammikuuta stycznia janner",
    "february februar februari fevrier febrero fevereiro febbraio helmikuu helmikuuta lutego",
    "march mars marts marz maerz marzo marco maart maaliskuu maaliskuuta marca",
    "april avril abril aprile huhtikuu huhtikuuta kwietnia",
    "may mai maj mayo maio maggio mei toukokuu toukokuuta maja",
    "june juni juin junio junho giugno kesakuu kesakuuta czerwca",
    "july juli juillet julio julho luglio heinakuu heinakuuta lipca",
    "august augusti aout agosto augustus elokuu elokuuta agust sierpnia",
    "september septembre septiembre setembro settembre syyskuu syyskuuta wrzesnia",
    "october oktober octobre octubre outubro ottobre lokakuu lokakuuta pazdziernika",
    "november novembre noviembre novembro marraskuu marraskuuta listopada",
    "december desember dezember decembre diciembre dezembro dicembre joulukuu joulukuuta grudnia",
)
_SHORT = (
    "jan janv ene gen sty",
    "feb fev febr fevr lut",
    "mar mrz mrt maa",
    "apr avr abr kwi",
    "may mai maj mag",
    "jun giu cze kes",
    "jul juil lug lip hei",
    "aug ago aou sie elo",
    "sep sept set syys wrz",
    "oct okt out ott loka paz",
    "nov marras lis",
    "dec des dez dic joulu gru",
)
MONTHS = {
    word: number
    for number, words in enumerate(zip(_FULL, _SHORT, strict=True), 1)
    for word in " ".join(words).split()
}
