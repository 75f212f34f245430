"""What does each finding code say to a partner? The Czech words (see `words.py` for the brackets)."""

from collections.abc import Mapping

from meterdrop.model.codes import Code

CZECH: Mapping[Code, tuple[str, str]] = {
    Code.FILE_EMPTY: (
        "V souboru nejsou žádná data: jen prázdné řádky, poznámky nebo záhlaví.",
        "Zkontrolujte export a pošlete soubor znovu alespoň s jedním datovým řádkem.",
    ),
    Code.FILE_TOO_LARGE: (
        "Soubor je větší, než kolik máme dohodnuto.",
        "Rozdělte ho na menší soubory, každý s vlastním záhlavím, nebo nás požádejte o vyšší limit.",
    ),
    Code.FILE_ENCODING: (
        "Znaky v souboru nelze přečíst: není v UTF-8, windows-1250, ISO 8859-2 ani v UTF-16 se značkou BOM[; vypadá jako {value}].",
        "Uložte soubor v kódování UTF-8 a pošlete ho znovu.",
    ),
    Code.FILE_NO_HEADER: (
        "Soubor nezačíná záhlavím, které známe[; záhlaví je zřejmě na jiném řádku: {value}].",
        "Dejte na první řádek názvy sloupců, například SerialNum;Value;Unit;Date, a pošlete soubor znovu; mají-li být nad nimi jiné řádky, domluvte to s námi předem.",
    ),
    Code.FILE_BAD_HEADER: (
        "Název sloupce[ {value}] pokračuje na dalším řádku.",
        "Pište každý název sloupce bez konců řádků, případně odstraňte ze záhlaví přebytečnou uvozovku, a pošlete soubor znovu.",
    ),
    Code.FILE_MISSING_COLUMN: (
        "Chybí povinný sloupec[: {column}].",
        "Doplňte sloupec pod některým ze známých názvů a pošlete celý soubor znovu.",
    ),
    Code.FILE_DUPLICATE_COLUMN: (
        "Dva názvy v záhlaví znamenají týž sloupec[ {column}][: {value}].",
        "Jeden ze sloupců ponechte, druhý přejmenujte nebo smažte a pošlete celý soubor znovu.",
    ),
    Code.FILE_EXTRA_COLUMN: (
        "Název sloupce[ {column}] neznáme; sloupec jsme vynechali.",
        "Nic, pokud sloupec nepotřebujeme. Je-li důležitý, napište nám, co znamená.",
    ),
    Code.FILE_UNKNOWN_FEED: (
        "Nelze poznat, co soubor obsahuje: jeho jméno, složka ani záhlaví nevedou k jedinému druhu dat[: {value}].",
        "Pojmenujte soubor podle dohody, nahrajte ho do příslušné složky v /incoming nebo použijte dohodnuté názvy sloupců.",
    ),
    Code.FILE_TRUNCATED: (
        "Soubor končí dříve, než má.",
        "Ověřte, že export doběhl celý, a nahrajte celý soubor znovu.",
    ),
    Code.FILE_BINARY: (
        "Soubor není text: vypadá jako sešit Excelu, archiv nebo obrázek.",
        "Uložte tabulku jako CSV (v Excelu: Uložit jako, CSV UTF-8) a pošlete tento soubor.",
    ),
    Code.FILE_DUPLICATE: (
        "Úplně stejný soubor už přišel[ jako dodávka {value}]; nic jsme neuložili dvakrát.",
        "Nic. Pokud jste chtěli poslat nové odečty, zkontrolujte, zda jste vyexportovali správný soubor.",
    ),
    Code.FILE_TOO_MANY_BAD_LINES: (
        "V souboru je příliš mnoho chybných řádků, proto jsme z něj neuložili nic.",
        "Opravte řádky uvedené v potvrzení a pošlete celý soubor znovu, nebo nás požádejte o posouzení.",
    ),
    Code.FILE_INCOMPLETE: (
        "Nahrávání se přerušilo dříve, než byl soubor celý; nic jsme z něj nečetli.",
        "Nahrajte soubor znovu; program, který umí navázat, bude pokračovat tam, kde skončil.",
    ),
    Code.FILE_POISONED: (
        "Čtení souboru se na naší straně opakovaně nezdařilo, proto jsme ho odložili.",
        "Nemusíte dělat nic: podívá se na něj náš správce systému a ozve se vám.",
    ),
    Code.FILE_REFUSED_BY_REVIEWER: (
        "Soubor u nás někdo prohlédl a odmítl[: {value}].",
        "Pošlete opravený soubor.",
    ),
    Code.LINE_TOO_FEW_CELLS: (
        "Řádek má méně buněk než záhlaví[: {value}].",
        "Doplňte chybějící buňky; neznámá hodnota je prázdná buňka, ale její oddělovač na řádku být musí.",
    ),
    Code.LINE_TOO_MANY_CELLS: (
        "Řádek má více buněk než záhlaví[: {value}].",
        "Smažte přebytečný oddělovač; buňka, která sama obsahuje oddělovač, musí být v uvozovkách.",
    ),
    Code.LINE_BAD_QUOTING: (
        "Uvozovka na řádku není uzavřená nebo stojí uvnitř buňky, kde být nesmí.",
        'Smažte přebytečnou uvozovku, nebo dejte do uvozovek celou buňku a každou uvozovku uvnitř zdvojte ("").',
    ),
    Code.LINE_ENCODING: (
        "Na řádku jsou bajty, které v kódování souboru nejsou žádným znakem.",
        "Uložte celý soubor v jednom kódování, nejlépe v UTF-8, a pošlete řádek znovu.",
    ),
    Code.LINE_TOO_LONG: (
        "Řádek je delší než 64 KiB.",
        "Zkontrolujte konce řádků ve svém exportu: každý záznam musí být na vlastním řádku.",
    ),
    Code.LINE_REPEATED_HEADER: (
        "Záhlaví je v souboru znovu; tento řádek jsme přeskočili.",
        "Nic. Když soubory spojujete, ponechte záhlaví jen z prvního z nich.",
    ),
    Code.LINE_NUL: (
        "Na řádku jsou znaky NUL (nulové bajty).",
        "Vyexportujte soubor znovu: je poškozený, nebo je v UTF-16 bez značky BOM.",
    ),
    Code.CELL_MISSING: (
        "Povinná buňka je prázdná[: sloupec {column}].",
        "Vyplňte buňku a pošlete řádek znovu; prázdná buňka nikdy neznamená nulu.",
    ),
    Code.CELL_TOO_LONG: (
        "Text[ ve sloupci {column}] je příliš dlouhý[: {value}].",
        "Zkraťte text a ověřte, že na řádku nechybí oddělovač.",
    ),
    Code.CELL_NOT_ALLOWED: (
        "Slovo[ {value}] není[ ve sloupci {column}] dovoleno.",
        "Použijte některé ze slov, která pro tento sloupec uvádí specifikace.",
    ),
    Code.VALUE_NOT_A_NUMBER: (
        "Buňka[ ve sloupci {column}] má obsahovat číslo[, ne {value}].",
        "Pošlete samotné číslo, například 1234,567 nebo 1234.567, bez slov a bez jednotky v buňce.",
    ),
    Code.VALUE_NEGATIVE: (
        "Číslo[ ve sloupci {column}] je záporné[: {value}].",
        "Pošlete stav počítadla, který nikdy není menší než nula; zpětný průtok hlaste stavem BACKFLOW ve sloupci Status.",
    ),
    Code.VALUE_TOO_PRECISE: (
        "Číslo[ ve sloupci {column}] má více než 15 číslic nebo více než 6 desetinných míst[: {value}].",
        "Pošlete číslo tak, jak ho ukazuje měřidlo, nejvýše se 6 desetinnými místy.",
    ),
    Code.VALUE_SENTINEL: (
        "Číslo[ ve sloupci {column}] je značka přístroje pro chybějící hodnotu, ne odečet[: {value}].",
        "Řádek vynechte, nebo ho pošlete znovu, až měřidlo poskytne skutečnou hodnotu.",
    ),
    Code.VALUE_EXPONENT: (
        "Číslo[ ve sloupci {column}] je zapsáno s exponentem[: {value}], takže se mohly ztratit číslice.",
        "Nastavte sloupci formát čísla se všemi číslicemi, vyexportujte data znovu a pošlete řádek znovu.",
    ),
    Code.VALUE_OUT_OF_RANGE: (
        "Číslo[ ve sloupci {column}] je mimo dovolené meze[: {value}].",
        "Zkontrolujte číslo i jednotku a pošlete řádek znovu.",
    ),
    Code.DATE_NOT_A_DATE: (
        "Buňka[ ve sloupci {column}] má obsahovat datum[, ne {value}].",
        "Napište den jako 2026-11-30 nebo 30.11.2026; čísla, kterými data ukládá Excel, nepřijímáme.",
    ),
    Code.DATE_TWO_DIGIT_YEAR: (
        "Rok[ ve sloupci {column}] má jen dvě číslice[: {value}].",
        "Napište rok čtyřmi číslicemi, například 30.11.2026.",
    ),
    Code.DATE_IN_FUTURE: (
        "Datum[ ve sloupci {column}] je v budoucnosti[: {value}][, tedy konec dne {against}].",
        "Zkontrolujte datum i hodiny měřidla a pošlete řádek znovu se skutečným dnem.",
    ),
    Code.DATE_TOO_OLD: (
        "Datum[ ve sloupci {column}] je starší než tři roky[: {value}][, tedy konec dne {against}].",
        "Zkontrolujte datum; chcete-li opravdu poslat tak staré odečty, nejprve se s námi dohodněte.",
    ),
    Code.DATE_SENTINEL: (
        "Datum[ ve sloupci {column}] je značka přístroje pro chybějící datum[: {value}].",
        "Řádek vynechte, nebo ho pošlete se skutečným dnem odečtu.",
    ),
    Code.UNIT_UNKNOWN: (
        "Jednotku[ {value}][ ve sloupci {column}] neznáme.",
        "Pro objem použijte m3 nebo l, pro energii GJ, MJ, MWh, kWh nebo Wh, pro rozdělovače topných nákladů dílek.",
    ),
    Code.MEDIA_UNKNOWN: (
        "Médium[ {value}][ ve sloupci {column}] neznáme.",
        "Použijte CW, HW, HT, CO, EL nebo GW.",
    ),
    Code.KIND_UNKNOWN: (
        "Druh odečtu[ {value}][ ve sloupci {column}] neznáme.",
        "Použijte RADIO, VISUAL, SELF, BILLING, INTERIM, EXCHANGE_OUT, EXCHANGE_IN nebo ESTIMATE, nebo nechte buňku prázdnou.",
    ),
    Code.STATUS_UNKNOWN: (
        "Stavové slovo[ {value}][ ve sloupci {column}] neznáme; odečet jsme uložili bez něj.",
        "Použijte slova OK, LEAK, BACKFLOW, TAMPER, BATTERY, BLOCKED, AIR, SENSOR_ERROR, CLOCK nebo UNKNOWN, spojená znakem |.",
    ),
    Code.FLAG_UNKNOWN: (
        "Buňka[ ve sloupci {column}] smí obsahovat jen 0 nebo 1[, ne {value}].",
        "Napište 1 pro ano, 0 pro ne, nebo nechte buňku prázdnou.",
    ),
    Code.SERIAL_MALFORMED: (
        "Výrobní číslo[ ve sloupci {column}] nemá správný tvar[: {value}].",
        "Pošlete výrobní číslo jako text tak, jak je uvedeno na měřidle.",
    ),
    Code.READING_NOT_IN_REGISTER: (
        "Toto měřidlo nemáme v evidenci[: {value}].",
        "Zkontrolujte výrobní číslo. Je-li správné, je třeba měřidlo doplnit do evidence; odečet pak přijmeme sami.",
    ),
    Code.READING_UNIT_MISMATCH: (
        "Jednotka[ {value}] nepatří k tomuto měřidlu, které měří jinou veličinu[ (jeho jednotka: {against})].",
        "Zkontrolujte výrobní číslo i jednotku a pošlete řádek znovu.",
    ),
    Code.READING_BEFORE_INSTALLATION: (
        "Odečet je ze dne, kdy měřidlo ještě nebylo namontováno[: {value}][, tedy konec dne {against}].",
        "Zkontrolujte výrobní číslo a datum; jsou-li správné, nechte v evidenci opravit datum montáže.",
    ),
    Code.READING_AFTER_REMOVAL: (
        "Odečet je ze dne, kdy už bylo měřidlo demontováno[: {value}][, tedy konec dne {against}].",
        "Zkontrolujte výrobní číslo a datum, nebo pošlete odečet pod číslem nového měřidla.",
    ),
    Code.READING_BELOW_PREVIOUS: (
        "Stav je nižší než při dřívějším odečtu, nebo vyšší než při pozdějším[: {value}][ oproti {against}].",
        "Zkontrolujte výrobní číslo a hodnotu. Bylo-li měřidlo vyměněno, oznamte výměnu; byl-li chybný jiný odečet, pošlete jeho opravu.",
    ),
    Code.READING_IMPLAUSIBLE_RISE: (
        "Stav vzrostl rychleji, než takové měřidlo dokáže naměřit[: {value}][ oproti {against}].",
        "Zkontrolujte hodnotu, jednotku a desetinnou čárku. Je-li odečet správný, napište nám: člověk ho může přijmout.",
    ),
    Code.READING_CONFLICT_IN_FILE: (
        "Soubor obsahuje pro toto měřidlo a den dvě různé hodnoty[: {value}][, jinou na řádku {against}].",
        "Ponechte správný řádek a pošlete ho znovu; neuložili jsme žádný z nich.",
    ),
    Code.READING_CORRECTION: (
        "Hodnota nahrazuje jinou, kterou jste pro toto měřidlo a den poslali dříve[: nyní {value}][, předtím {against}].",
        "Nic. Pokud jste opravu nezamýšleli, pošlete správnou hodnotu znovu.",
    ),
    Code.READING_SAME_VALUE: (
        "Stejnou hodnotu pro toto měřidlo a den už máme; řádek jsme započítali a znovu neuložili.",
        "Nic.",
    ),
    Code.READING_ROLLOVER: (
        "Počítadlo přešlo přes nejvyšší číslo a začalo znovu od nuly[: {value}][ oproti {against}]; odečet jsme přijali.",
        "Nic. Bylo-li měřidlo vyměněno, oznamte výměnu.",
    ),
    Code.READING_RESET: (
        "Rozdělovač topných nákladů začal nový rok od nuly[: {value}][ oproti {against}]; odečet jsme přijali.",
        "Nic. Byl-li přístroj vyměněn, oznamte výměnu.",
    ),
    Code.READING_EXCHANGE: (
        "Číselník začíná znovu, protože bylo měřidlo vyměněno[: {value}][ oproti {against}]; odečet jsme přijali.",
        "Nic. Nebylo-li měřidlo vyměněno, pošlete opravu.",
    ),
    Code.READING_SMALL_FALL: (
        "Číselník je níž než dřív jen o tolik, kolik je vůle měřidla[: {value}][ oproti {against}]; odečet jsme přijali.",
        "Nic.",
    ),
    Code.READING_WORSE_KIND: (
        "Pro toto měřidlo a den ponecháváme lepší odečet[: {against}]; odhad nenahrazuje skutečný odečet a jiný odečet nenahrazuje odečet při výměně.",
        "Nic, je-li ponechaný odečet správný. Jinak pošlete odečet stejného druhu.",
    ),
    Code.READING_SUPERSEDED: (
        "Pozdější soubor uvedl pro toto měřidlo a den jinou hodnotu[: {against}]; platí ta pozdější.",
        "Nic, je-li pozdější hodnota správná. Jinak pošlete správnou znovu.",
    ),
    Code.READING_EXCHANGE_UNREGISTERED: (
        "V tento den bylo pod týmž číslem jedno měřidlo odečteno při demontáži a jiné při montáži[: {value}][ a {against}], ale evidence zná jen jedno z nich.",
        "Nechte výměnu zapsat do evidence, s posledním dnem starého a prvním dnem nového měřidla; odečet pak přijmeme sami.",
    ),
    Code.DEVICE_MAY_NOT_REGISTER: (
        "Dodáváte jen odečty; výrobní čísla a umístění měřidel zadává správce domu.",
        "Nová nebo změněná měřidla pošlete správci, který je zapíše do evidence.",
    ),
    Code.DEVICE_AMBIGUOUS_SERIAL: (
        "Dvě používaná měřidla mají po vynechání mezer a úvodních nul stejné číslo[: {value}][; to druhé je {against}].",
        "Pošlete obě čísla celá, nebo u demontovaného měřidla uveďte poslední den (DateTo).",
    ),
    Code.DEVICE_OVERLAP: (
        "Na jednom místě (umístění, médium, místnost, pořadí) jsou ve stejnou dobu dvě měřidla[: {value}][; to druhé je {against}].",
        "Uveďte u starého měřidla poslední den (DateTo), jmenujte ho u nového v ReplacesSerial, nebo dejte novému jiné pořadové číslo (Seq).",
    ),
    Code.DEVICE_BAD_CORRECTION: (
        "Korekce[ ve sloupci {column}] musí být číslo větší než nula[, ne {value}].",
        "Tam, kde se spotřeba nemá násobit, pošlete 1.",
    ),
    Code.DEVICE_MISSING_FROM_SNAPSHOT: (
        "Měřidlo z vaší minulé evidence v této není; ponechali jsme ho[: {value}][ ({against})].",
        "Bylo-li měřidlo demontováno, pošlete ho s posledním dnem (DateTo). Jinak ho do souboru vraťte.",
    ),
    Code.DEVICE_UNKNOWN_PARTNER: (
        "Partnera[ {value}], pro kterého je měřidlo určeno, neznáme.",
        "Použijte dohodnutou zkratku partnera, například metra-sumperk.",
    ),
    Code.DEVICE_EXCHANGED: (
        "Měřidlo na tomto místě bylo vyměněno; dřívější končí dnem, kdy začíná pozdější[: {against}].",
        "Nic, bylo-li měřidlo vyměněno. Jinak opravte u jednoho z nich místo (Location, Media, Room, Seq).",
    ),
    Code.DEVICE_OLDER_SNAPSHOT: (
        "Toto měřidlo známe z pozdější evidence[ ({against})]; ponechali jsme, co říkala ona.",
        "Nic. Chcete-li evidenci opravit, pošlete ji s dnešním datem.",
    ),
    Code.DEVICE_MOVED: (
        "Měřidlo změnilo místo[: {against}].",
        "Nic, bylo-li měřidlo přemístěno. Jinak opravte jeho místo (Location, Media, Room, Seq).",
    ),
    Code.DEVICE_UNKNOWN_REFERENCE: (
        "Měřidlo jmenované[ ve sloupci {column}] v evidenci není, nebo tehdy nebylo v provozu[: {value}]; řádek jsme ponechali.",
        "Zkontrolujte číslo. Je-li správné, doplňte to měřidlo do evidence; jinak nechte buňku prázdnou.",
    ),
    Code.DEVICE_READINGS_OUT_OF_SERVICE: (
        "Máme odečty tohoto měřidla ze dnů, kdy podle evidence nebylo v provozu[: {against}].",
        "Zkontrolujte dny montáže a demontáže. Jsou-li správné, pošlete tyto odečty pod číslem druhého měřidla.",
    ),
    Code.DEVICE_PARTNER_REGISTERS_ITSELF: (
        "Partner[ {value}] dodává evidenci měřidel sám; správce zadává měřidla jen partnerům skupiny 1.",
        "Řádek vynechte: toto měřidlo pošle partner sám.",
    ),
    Code.DEVICE_ENDS_BEFORE_START: (
        "Poslední den měřidla[, {value},] je dřív než jeho první[, {against}].",
        "Zkontrolujte dny montáže (DateFrom) a demontáže (DateTo).",
    ),
}
