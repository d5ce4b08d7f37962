"""What only people say."""

from __future__ import annotations

from canary.queues.replies.words.phrases import Phrases

_FOUND = {
    "en": "but (i|we|my|our|the) / asked (my|our|the|a) / "
    "(have|has|was|were|been|we|i|i've|we've) (now |already |just |therefore |so |)(revoked|revoking|"
    "looked (at|into)|checked|investigat(ed|ing) (it|this|and|the|your)|found|verified (that|the)|"
    "reproduced|reviewed|replaced|identified|concluded|determined|reissued|re-issued|analy(s|z)ed|"
    "blocked the|contacted the|informed the|told the|notified the|decided|seen|examined|tested|"
    "asked (the|our)|fixed|compared|blacklisted|closed (this|it)) / "
    "(we|i) (do not|don't|did not|didn't|cannot|can't|could not|couldn't|see|think|believe|agree|need|"
    "revoke|would need|disagree|find|suspect|know|wonder|guess) / "
    "(will|shall|'ll|going to|are to|to be) (be |now |)(revok|replace (it|the)|reissue) / "
    "(could|can|would|will) you (please |kindly |also |)(send|tell|check|confirm|provide|share|give|"
    "attach|explain|let|re-?send|look|say) / "
    "please (send|provide|tell us|share|attach|check|let (me|us)|give|clarify|confirm (the|which|"
    "whether|that|if)|explain) / which (serial|certificate|key|one|domain) / "
    "(the|your|this|that) (key|certificate|serial|domain|subscriber|private key|csr|request)~(is|was|"
    "does|has|had|will|belongs|are|were)( not|n't|) (indeed |already |been |)~(revoked|public|"
    "compromised|exist|issued|ours|expired|valid|known|found|belong|leaked|weak|wrong|genuine|exposed|"
    "safe|match|told|invalid|replaced|reissued) / "
    "(does|do|did) not (exist among|belong|match|see|agree|find)",
    "de": "(haben|habe|wurde|wurden|ist|sind|wird|werden)~(widerrufen|gesperrt|gepruft|gefunden|untersucht|"
    "ersetzt|festgestellt|kontaktiert|informiert|zuruckgezogen|revoziert) / "
    "(konnen|konnten|wurden) sie~(uns|bitte|mir) / (bitte )(senden|schicken|nennen|teilen|geben) sie / "
    "welche(s|r|n|) (seriennummer|zertifikat|schlussel) / "
    "(wir|ich) (prufen|schauen|sehen|widerrufen|brauchen|benotigen|glauben|denken|finden|konnen|sperren)",
    "fr": "(avons|a ete|ont ete|ete|ai)~(revoqu|verifi|trouv|examine|constate|analyse|remplac) / "
    "(pouvez|pourriez)-vous / (veuillez|merci de)~(envoyer|preciser|indiquer|fournir|nous communiquer) / "
    "quel(le|) (est le|certificat|numero|cle)",
    "es": "(hemos|ha sido|fue|he|se ha)~(revoc|verific|revis|encontr|comprob|investig) / "
    "(podria|puede|podrias)~(envi|confirm|indic|decir|proporcion) / "
    "(que|cual)~(numero de serie|certificado)",
    "pt": "(foi|revogamos|temos|tenho|verificamos|analisamos|encontramos)~(revog|verific|encontr|analis|"
    "certificado|chave)? / (poderia|pode)~(envi|confirm|indic|inform)",
    "it": "(abbiamo|e stato|ho)~(revocat|verificat|controllat|trovat|esaminat|analizzat) / "
    "(potrebbe|puo|potete)~(invi|conferm|indic|dir|fornir)",
    "nl": "(hebben|is|heb|zijn)~(ingetrokken|gecontroleerd|gevonden|onderzocht|bekeken|herroepen|nagekeken) / "
    "(kunt|kun) u",
    "pl": "(uniewazni|odwola|sprawdz(ili|on|ilem)|znalezli|zweryfikowali|przeanaliz) / "
    "(czy (moze|moga|moglby)|prosze (podac|przeslac|o podanie|wskaz)) / prosimy o (podanie|przeslanie)",
    "cs": "(zneplatnen|odvolal|zkontrolova|overili|provedli|nasli|zneplatnil|prosetril) / "
    "(muzete|mohl)~(poslat|zaslat|potvrd|uvest)",
    "sk": "(zneplatnen|zrusil|skontrolova|overili|nasli|zneplatnil) / (mozete|mohli)~(poslat|zaslat|potvrd)",
    "hu": "(visszavon|ellenoriz(tuk|tem)|megvizsgal|megneztuk|talaltuk|kivizsgal) / "
    "(kerjuk|tudna|kuldje|kerem)~(kuld|megad|kozol|el)",
    "sv": "(har|ar|vi har)~(aterkall|sparrat|kontrollera|undersokt|hittat|granskat|tittat) / "
    "(kan|skulle) (du|ni)~(skicka|bekrafta)",
    "da": "(har|er|vi har)~(tilbagekaldt|sparret|undersogt|kontrolleret|fundet|kigget|spaerret) / "
    "(kan|kunne) (du|i)~(sende|bekraefte)",
    "no": "(har|er|vi har)~(tilbakekalt|trukket|undersokt|kontrollert|funnet|sett pa) / "
    "(kan|kunne) du~(sende|bekrefte)",
    "fi": "(olemme|on|mitatoimme)~(peruut|mitato|tarkist|tutki|loyt|sulke) / (voisitteko|voitteko|voisitko)",
    "ro": "(am|a fost)~(revocat|verificat|gasit|analizat) / (puteti|va rugam sa (ne |)(trimit|indic|precizat))",
    "bg": "(отменихме|анулира|провери(хме|ли)|открихме|отзовахме)",
    "el": "(ανακαλεσ|ανακληθ|ελεγξαμε|βρηκαμε|εξετασαμε) / (μπορειτε|θα μπορουσατε)",
    "hr": "(opozva|provjerili|pronasli|ispitali|povukli|pregledali) / (mozete li|molimo (posalj|dostav|naved))",
    "sl": "(preklica|preverili|nasli|preiskali) / (ali lahko|prosimo (posl|naved))",
    "uk": "(відкликали|відкликано|перевірили|знайшли|дослідили) / (чи можете|надішліть)",
    "ru": "(отозвал|отозван|провери(ли|л)|нашли|изучили|рассмотрели|выяснили) / "
    "(можете|не могли бы|пришлите|уточните|укажите)",
    "tr": "(iptal ett|iptal edil|kontrol ett|inceledi|bulduk) / (gonderebilir|paylasabilir)",
    "he": "(בדקנו|ביטלנו|מצאנו|בוטלה|נשללה)",
    "ar": "(قمنا|تم)~(إلغاء|الغاء|التحقق|فحص|ابطال) / هل يمكنك",
    "ja": "(失効(させ|しま|いた|済|処理)|確認(しました|いたしました|したところ)|調査(しました|した|いたし|の結果)|見つかりません|お送りください|教えて(ください|いただ)|無効化)",
    "ko": "(폐기(했|하였|되었|완료)|확인(했|하였|한 결과|해 보)|조사(했|한 결과)|보내 주|알려 주)",
    "zh": "(已(吊销|撤销|撤銷|吊銷|注销|核实|检查|調查|调查)|(检查|檢查|核实|调查)(了|后|後)|请(提供|告知|发送|确认)|請(提供|告知|確認))",
    "vi": "(da (thu hoi|kiem tra|xac minh|dieu tra)) / (vui long (gui|cung cap))",
    "id": "(telah|sudah|kami)~(mencabut|dicabut|memeriksa|menyelidiki|membatalkan|menemukan) / "
    "(bisakah|mohon (kirim|berikan))",
    "th": "(เพิกถอน|ตรวจสอบ)(แล้ว|ใบรับรองแล้ว) / (กรุณาส่ง|โปรดส่ง)",
    "hi": "(रद्द कर दिया|जांच की|निरस्त)",
}  # fmt: skip
_PERSON = {
    "en": "(hello|hi|dear|good (morning|afternoon|evening)|hey|greetings)( |,|$|!) / "
    "(kind |best |warm |)regards / (sincerely|cheers|best wishes|many thanks|yours)",
    "de": "(hallo|guten (tag|morgen|abend)|sehr geehrt|liebe(r|)|servus|moin|gruss gott) / "
    "(mit freundlichen|freundliche|viele|beste|schone|herzliche|liebe) grusse(n|) / (mfg|lg|gruss)",
    "fr": "(bonjour|bonsoir|cher|chere|madame|monsieur) / (cordialement|salutations|bien a vous)",
    "es": "(hola|estimad|buen(os|as) (dias|tardes|noches)) / (saludos|atentamente|un saludo)",
    "pt": "(ola|prezad|car(o|a)|bom dia|boa tarde|boa noite) / (cumprimentos|atenciosamente|abraco)",
    "it": "(buongiorno|buonasera|gentile|salve|ciao|egregi) / (cordiali saluti|distinti saluti|saluti)",
    "nl": "(hallo|beste|geachte|goede(morgen|middag|navond)) / (met vriendelijke groet|groeten)",
    "pl": "(dzien dobry|witam|szanown|czesc) / (pozdraw|z powazaniem)",
    "cs": "(dobry den|vazen|ahoj) / (s pozdravem|hezky den)",
    "sk": "(dobry den|vazen) / (s pozdravom)",
    "hu": "(tisztelt|kedves|szia|jo napot|udvozlom) / (udvozlettel|tisztelettel)",
    "sv": "(hej|basta|god (morgon|dag)) / (med vanlig halsning|halsningar|vanliga halsningar|mvh)",
    "da": "(hej|kaere|goddag) / (med venlig hilsen|venlig hilsen|hilsen|mvh)",
    "no": "(hei|kjaere|god dag) / (med vennlig hilsen|vennlig hilsen|hilsen|mvh)",
    "fi": "(hei|hyva|moi|terve) / (ystavallisin terveisin|terveisin)",
    "ro": "(buna ziua|stimate|draga|buna) / (cu stima|cu respect)",
    "ru": "(здравствуйте|добрый (день|вечер)|уважаем|привет) / (с уважением)",
    "uk": "(доброго дня|добрий день|шановн|вітаю) / (з повагою)",
    "bg": "(здравейте|уважаем) / (поздрави|с уважение)",
    "el": "(γεια|αγαπητ|καλημερα|καλησπερα) / (με εκτιμηση|χαιρετισμ)",
    "tr": "(merhaba|sayin|iyi gunler) / (saygilar)",
    "he": "(שלום|היי) / (בברכה)",
    "ar": "(مرحبا|السلام عليكم|عزيزي|السيد) / (مع التحية|تحياتي)",
    "ja": "(様|お世話になって|こんにちは) / (よろしくお願い|敬具)",
    "ko": "(안녕하세요|안녕하십니까) / (감사합니다)",
    "zh": "(您好|你好|尊敬的) / (此致|祝好|顺祝)",
}  # fmt: skip

FOUND = Phrases(_FOUND)
"""What only somebody says who has looked at a report: a finding, a decision, a question."""
PERSON = Phrases(_PERSON)
"""How people begin and end."""
